"""The FastAPI dependency."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool

from producers.integrations.client import Client, settings_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from producers.integrations.answers import Status
    from producers.integrations.failures import Refused
    from producers.integrations.mails import Mail


class Postroom:
    """
    Hands mails in from endpoints, without holding up the event loop.

    ```
    postroom = Postroom()  # reads POSTROOM_GATEWAY_URL and so on from the environment
    Mails = Annotated[Postroom, Depends(postroom)]

    @app.post("/orders")
    async def order(mails: Mails) -> dict[str, str]:
        return {"mail": await mails.send(to="ann@example.org", subject="Hello", body="How are you?")}
    ```

    *settings* are those of `Client`, in place of the environment's. In tests its `client` may be an `Outbox`.
    Endpoints that are no coroutines use `client` directly.
    """

    def __init__(self, **settings: Any) -> None:
        self._settings = settings

    def __call__(self) -> Postroom:
        """Return itself: what an endpoint depends on."""
        return self

    @cached_property
    def client(self) -> Client:
        """
        What does the work; made when it is first needed, so touch it at the start to have settings checked.

        Raises:
            Misconfigured: a setting is wrong or missing.
        """
        return Client(**(self._settings or settings_of(os.environ, "POSTROOM_")))

    async def send(self, mail: Mail | None = None, /, **fields: Any) -> str:
        """Hand one mail in, a `Mail` or its fields, and return its id. Raises as `Client.send`."""
        return await run_in_threadpool(self.client.send, mail, **fields)

    async def send_many(self, mails: Sequence[Mail]) -> list[str | Refused]:
        """Hand many mails in. Returns and raises as `Client.send_many`."""
        return await run_in_threadpool(self.client.send_many, mails)

    async def status(self, mail_id: str) -> Status:
        """Return where a mail stands. Raises as `Client.status`."""
        return await run_in_threadpool(self.client.status, mail_id)

    async def wait(self, mail_id: str, *, timeout: float) -> Status:  # noqa: ASYNC109 - it is the client's
        """Return where a mail stands once that is final, after at most *timeout* seconds."""
        return await run_in_threadpool(self.client.wait, mail_id, timeout=timeout)
