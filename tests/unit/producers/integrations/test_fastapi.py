"""The FastAPI dependency."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI

from producers.integrations.failures import Misconfigured
from producers.integrations.fastapi import Postroom
from producers.integrations.mails import Mail
from producers.integrations.outbox import Outbox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from producers.integrations.failures import Refused

GOOD: dict[str, Any] = {"to": "ann@example.org", "subject": "Hello", "body": "How are you?"}


app = FastAPI()
postroom = Postroom()
Mails = Annotated[Postroom, Depends(postroom)]


@app.post("/")
async def order(mails: Mails) -> list[str]:
    mail_id = await mails.send(**GOOD)
    await mails.send_many([Mail(**GOOD)])
    statuses = [await mails.status(mail_id), await mails.wait(mail_id, timeout=1)]
    return [threading.current_thread().name, *(status.state for status in statuses)]


class Noting(Outbox):
    """Notes in which threads it works."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: list[str] = []

    def send_many(self, mails: Sequence[Mail]) -> list[str | Refused]:
        self.threads.append(threading.current_thread().name)
        return super().send_many(mails)


def test_an_endpoint_hands_in_without_holding_up_the_event_loop() -> None:
    postroom.client = outbox = Noting()

    async def ask() -> Any:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
            return (await client.post("/")).json()

    loop, *states = asyncio.run(ask())

    assert states == ["sent", "sent"]
    assert len(outbox.mails) == 2
    assert loop not in outbox.threads


def test_settings_come_from_the_environment_when_they_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    postroom = Postroom()
    monkeypatch.setenv("POSTROOM_GATEWAY_URL", "http://127.0.0.1:1")

    with pytest.raises(Misconfigured, match="api_key: is missing"):
        _ = postroom.client
    monkeypatch.setenv("POSTROOM_API_KEY", "pr_key")
    assert postroom.client.write([Mail(**GOOD)])


def test_settings_that_are_given_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_GATEWAY_URL", "http://127.0.0.1:1")

    assert Postroom(broker_url="redis://127.0.0.1:1/0").client.write([Mail(**GOOD)])
