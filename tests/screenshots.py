"""
The pictures in the documentation: a gateway with emails, and a browser that looks at it.

`python -m tests.screenshots docs/images` makes them anew; it needs Chromium.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from tasks.contract.status import MailState
from tests.browsers import chromium, installed, sign_in
from tests.servers.gateway import running
from tests.servers.redis_server import RedisServer
from tests.stories import Teller, catch, newsletter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from tests.servers.gateway import Running

_DESKTOP: Final = (1120, 760)
_PHONE: Final = (360, 720)
_PLAIN: Final = (
    b"From: postroom@example.org\r\nTo: ann@example.org\r\nSubject: Your order\r\n\r\nOn its way.\r\n"
)


def main(arguments: list[str]) -> int:
    """Make the pictures and put them into the folder that is named."""
    path = installed()
    if path is None:
        sys.stderr.write("there is no Chromium; on Debian: apt-get install chromium\n")
        return 2
    folder = Path(*arguments)
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="postroom-")))
        queue = stack.enter_context(RedisServer(scratch / "queue"))
        development = {"POSTROOM_MODE": "development", "POSTROOM_WEB_INBOX": str(scratch / "mail")}
        gateway = stack.enter_context(running(scratch, queue.url, **development))
        browser = stack.enter_context(chromium(path))
        shown = _tell(gateway, scratch / "mail")
        for name, page in _Studio(gateway, browser).pictures(shown):
            page.screenshot(path=folder / f"{name}.png")
            page.context.close()
    return 0


def _tell(gateway: Running, mails: Path) -> dict[str, str]:
    """Have some emails handed in; return what is shown of them."""
    with gateway.client() as client:
        teller = Teller(client, gateway.queue, age=9000)
        teller.settled(MailState.EXPIRED, 620, "the mail expired before it could be sent", "order-4702")
        lost = "connection lost after the final dot (phase final, 1 attempt)"
        teller.settled(MailState.UNKNOWN, 690, lost, "order-4703")
        teller.age = 130
        teller.sent("order-4704")
        refused = "5.7.8 Authentication failed (phase auth, 1 attempt)"
        teller.settled(MailState.NOT_SENT, 535, refused, "order-4705")
        partial = teller.partial("order-4706")
        teller.age = 70
        retrying = teller.retrying("order-4707")
        teller.age = 2
        teller.sending()
        teller.hand_in("order-4708")
    catch(mails, _PLAIN)
    return {"partial": partial, "retrying": retrying, "letter": catch(mails, newsletter())}


@dataclass(frozen=True, slots=True)
class _Studio:
    """A browser in front of a gateway."""

    gateway: Running
    browser: Browser

    def pictures(self, shown: dict[str, str]) -> Iterator[tuple[str, Page]]:
        """Yield pages that are worth a picture, by its name."""
        yield "emails", self._open("/emails")
        yield "email", self._open(f"/emails/{shown['partial']}")
        yield "email-dark", self._open(f"/emails/{shown['retrying']}?stay", is_dark=True)
        yield "emails-phone", self._open("/emails", size=_PHONE)
        yield "inbox", self._open(f"/inbox/{shown['letter']}")

    def _open(self, path: str, *, size: tuple[int, int] = _DESKTOP, is_dark: bool = False) -> Page:
        width, height = size
        scheme: Literal["dark", "light"] = "dark" if is_dark else "light"
        context = self.browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        page = context.new_page()
        sign_in(page, self.gateway.url, self.gateway.key)
        page.goto(self.gateway.url + path, wait_until="networkidle")
        return page


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
