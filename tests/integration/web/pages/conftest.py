"""A gateway with pages and an inbox, and a real browser in front of it that loads nothing from elsewhere."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import pytest

from tests.browsers import chromium, installed, sign_in
from tests.servers.gateway import running
from tests.stories import Teller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

    from tests.servers.gateway import Running

_PLACES = itertools.count(1)


@pytest.fixture(scope="session")
def mails(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the mail catcher."""
    return tmp_path_factory.mktemp("caught") / "mail"


@pytest.fixture(scope="session")
def house(valkey: str, mails: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A gateway in development, one for the session."""
    settings = {"POSTROOM_MODE": "development", "POSTROOM_WEB_INBOX": str(mails)}
    with running(tmp_path_factory.mktemp("pages"), valkey, **settings) as found:
        yield found


# Not for the session: while Playwright runs, no other test could start an event loop.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = installed()
    if path is None:
        reason = "there is no Chromium; on Debian: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with chromium(path) as found:
        yield found


@dataclass
class Window:
    """A browser's window, with what it has complained of and what it has loaded."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        self.page.goto(self.url + path)
        return self.page

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def focused(self) -> str:
        """Return the name of what has the focus."""
        script = "(e => e.labels?.[0]?.innerText || e.innerText || e.id)(document.activeElement)"
        return str(self.page.evaluate(script)).strip()

    def tab_to(self, name: str) -> None:
        """Press Tab until *name* has the focus, as somebody without a mouse does."""
        for _ in range(60):
            self.press("Tab")
            if self.focused() == name:
                return
        pytest.fail(f"Tab does not lead to {name}")


@pytest.fixture
def look(browser: Browser, house: Running) -> Iterator[Callable[..., Window]]:
    """Opens windows; none of them may complain, or load something from elsewhere."""
    windows: list[Window] = []
    contexts: list[BrowserContext] = []

    def show(*, scheme: Literal["light", "dark"] = "light", **options: Any) -> Window:
        # Attempts to sign in are counted by place, and a test must not use up those of the next.
        place = {"X-Forwarded-For": f"198.51.100.{next(_PLACES)}"}
        context = browser.new_context(
            viewport={"width": 1280, "height": 800},
            color_scheme=scheme,
            extra_http_headers=place,
            **options,
        )
        contexts.append(context)
        window = Window(context.new_page(), house.url)
        _watch(window)
        windows.append(window)
        return window

    yield show
    for context in contexts:
        context.close()
    for window in windows:
        assert window.complaints == []
        assert [url for url in window.loaded if not url.startswith((window.url, "data:"))] == []


def _watch(window: Window) -> None:
    # What a mail's own HTML asks for, and is refused, is another matter: its test listens on the other side.
    def loads(request: Request) -> None:
        if not request.frame.url.endswith("/html"):
            window.loaded.append(request.url)

    window.page.on("request", loads)

    def complains(line: ConsoleMessage) -> None:
        if line.type == "error" and not line.location["url"].endswith("/html"):
            window.complaints.append(line.text)

    window.page.on("console", complains)
    window.page.on("pageerror", lambda error: window.complaints.append(str(error)))


@pytest.fixture
def signed_in(look: Callable[..., Window], house: Running) -> Window:
    """A window in which somebody has signed in."""
    window = look()
    sign_in(window.page, house.url, house.key)
    return window


@pytest.fixture
def teller(house: Running) -> Iterator[Teller]:
    with house.client() as client:
        yield Teller(client, house.queue)
