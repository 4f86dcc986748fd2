"""The Flask extension."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from flask import current_app

from producers.integrations.client import Client, settings_of
from producers.integrations.failures import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Flask

    from producers.integrations.answers import Status
    from producers.integrations.failures import Refused
    from producers.integrations.mails import Mail

_NAME = "postroom"


class Postroom:
    """
    Hands mails in for a Flask application.

    ```
    postroom = Postroom()
    postroom.init_app(app)  # reads POSTROOM_GATEWAY_URL and so on from app.config
    mail_id = postroom.send(to=user.email, subject="Hello", body="How are you?")
    ```

    Its methods are those of `Client`.
    """

    def __init__(self, app: Flask | None = None) -> None:
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """
        Set *app* up.

        Raises:
            Misconfigured: a setting is wrong or missing; said when the application starts.
        """
        app.extensions[_NAME] = Client(**settings_of(app.config, "POSTROOM_"))

    @property
    def client(self) -> Client:
        """The client of the current application: `app.extensions["postroom"]`, in tests an `Outbox`."""
        try:
            return cast("Client", current_app.extensions[_NAME])
        except KeyError:
            raise Misconfigured("call init_app with this application first") from None

    def send(self, mail: Mail | None = None, /, **fields: Any) -> str:
        """Hand one mail in, a `Mail` or its fields, and return its id. Raises as `Client.send`."""
        return self.client.send(mail, **fields)

    def send_many(self, mails: Sequence[Mail]) -> list[str | Refused]:
        """Hand many mails in. Returns and raises as `Client.send_many`."""
        return self.client.send_many(mails)

    def status(self, mail_id: str) -> Status:
        """Return where a mail stands. Raises as `Client.status`."""
        return self.client.status(mail_id)

    def wait(self, mail_id: str, *, timeout: float) -> Status:
        """Return where a mail stands once that is final, after at most *timeout* seconds."""
        return self.client.wait(mail_id, timeout=timeout)
