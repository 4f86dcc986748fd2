"""Somebody with a browser, in front of a gateway in this process."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from producers.web.app import create_app
from producers.web.inbox.folder import Folder
from producers.web.pages.state import Pages

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator
    from pathlib import Path

    from redis import Redis
    from starlette.types import ASGIApp

    from producers.web.gateway import Gateway

LOOPBACK = "http://127.0.0.1:8080"


@dataclass
class Visitor:
    """Sends requests as a browser at *base* does: with its cookies, and saying where forms come from."""

    app: ASGIApp
    runner: asyncio.Runner
    base: str = LOOPBACK
    peer: str = "127.0.0.1"
    cookies: httpx.Cookies = field(default_factory=httpx.Cookies)
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, path: str) -> httpx.Response:
        return self._ask("GET", path)

    def post(self, path: str, *, headers: dict[str, str] | None = None, **fields: str) -> httpx.Response:
        """Send a form, with the token that the page it is in had."""
        own = {"Origin": self.base} if headers is None else headers
        return self._ask("POST", path, data={"form": self.form, **fields}, headers=own)

    def sign_in(self, key: str, **fields: str) -> httpx.Response:
        answer = self.post("/emails/sign-in", key=key, **fields)
        found = re.search(r'name="form" value="(\w+)"', self.get("/emails").text)
        self.form = found[1] if found else ""
        return answer

    form = ""

    def _ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self.runner.run(self._send(method, path, **options))

    async def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, client=(self.peer, 1))
        headers = {**self.headers, **options.pop("headers", {})}
        async with httpx.AsyncClient(
            transport=transport, base_url=self.base, cookies=self.cookies, headers=headers
        ) as client:
            answer = await client.request(method, path, **options)
            self.cookies = client.cookies
            return answer


def said(answer: httpx.Response) -> str:
    """Return what a page says, without its marks."""
    text = re.sub(r"<[^>]*>", " ", answer.text)
    return re.sub(r"\s+", " ", html.unescape(text))


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """The folder of the mail catcher."""
    return tmp_path / "mail"


@pytest.fixture
def pages(redis: Redis, inbox: Path) -> Pages:
    return Pages.over(redis, inbox=Folder(inbox))


@pytest.fixture
def app(gateway: Gateway, pages: Pages) -> ASGIApp:
    return create_app(gateway, pages)


@pytest.fixture
def visitor(app: ASGIApp, call: Any) -> Iterator[Visitor]:
    """Somebody who is not signed in."""
    return Visitor(app, call.runner)


@pytest.fixture
def operator(visitor: Visitor, keys: tuple[str, str]) -> Visitor:
    """Somebody who is signed in with the first key."""
    visitor.sign_in(keys[0])
    return visitor
