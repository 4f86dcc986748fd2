"""What stands in for the client in an application's tests."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from producers.integrations.answers import Status
from producers.integrations.client import Client

if TYPE_CHECKING:
    from collections.abc import Sequence

    from producers.integrations.failures import Refused
    from producers.integrations.mails import Mail


class Outbox(Client):
    """
    A client for tests: it checks mails as any other, keeps them in *mails*, and sends nothing.

    Whatever is in it counts as sent.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"gateway_url": "http://outbox.invalid", "api_key": "none", **settings})
        self.mails: list[Mail] = []

    def send_many(self, mails: Sequence[Mail]) -> list[str | Refused]:
        """Keep many mails. Raises `Refused` as `Client.send_many`."""
        self.write(mails)
        self.mails += mails
        return [str(uuid.uuid4()) for _ in mails]

    def status(self, mail_id: str) -> Status:
        """Return that a mail is sent."""
        return Status(mail_id, "sent", success=True, code=250, message="2.0.0 Ok: kept in the outbox")

    def wait(self, mail_id: str, *, timeout: float) -> Status:  # noqa: ARG002 - as of Client
        """Return that a mail is sent."""
        return self.status(mail_id)
