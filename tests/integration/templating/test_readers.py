"""The shipped mails as their readers meet them: on a narrow screen, in the dark, behind a spam filter."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from tasks.contract.validation import parse
from tasks.message.compose import compose
from tasks.message.identity import Identity
from tasks.templating.catalogue import Catalogue
from tasks.templating.samples import SAMPLE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

SHIPPED = Catalogue()
EVERY_MAIL = [(name, locale) for name in SHIPPED.names() for locale in SHIPPED.locales(name)]
#: The width of the narrowest phones.
NARROW = 320
LONG = {**SAMPLE, "link": f"https://accounts.example.org/reset/{'A1b2-' * 60}", "name": "Maximiliane " * 5}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if not path:
        if os.environ.get("CI"):
            pytest.fail("there is no chromium")
        pytest.skip("there is no chromium")
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
        arguments += ["--disable-background-networking", "--disable-component-update"]
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


def test_every_mail_fits_into_a_narrow_window_and_asks_for_nothing_from_elsewhere(browser: Browser) -> None:
    page = browser.new_page(viewport={"width": NARROW, "height": 640}, color_scheme="dark")
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    widths = {}
    for name, locale in EVERY_MAIL:
        page.set_content(SHIPPED.render(name, LONG, locale=locale).html)
        widths[name, locale] = page.evaluate("document.documentElement.scrollWidth")
    page.close()

    assert widths == dict.fromkeys(EVERY_MAIL, NARROW)
    assert requests == []


def message(name: str, locale: str) -> bytes:
    """Return the mail as the worker composes it."""
    mail = SHIPPED.render(name, SAMPLE, locale=locale)
    request = parse(
        {
            "to": "ann@example.org",
            "sender": "Example <desk@example.org>",
            "subject": mail.subject,
            "body": mail.html,
            "text_body": mail.text,
            "email_format": "html",
            "headers": {"Auto-Submitted": "auto-generated"},
        }
    )
    now = datetime.now(UTC)
    identity = Identity.of("8fcceefc-4fe0-4b71-987d-3986392a0988", now, "example.org")
    assert request.sender
    return compose(request, sender=request.sender, identity=identity).content


def test_no_mail_looks_like_spam(tmp_path: Path) -> None:
    """With the rules that the filter brings: without asking other servers, and without learning."""
    filter_ = shutil.which("spamassassin")
    if not filter_:
        pytest.skip("there is no spamassassin")
    box = tmp_path / "box"
    with box.open("wb") as file:
        for name, locale in EVERY_MAIL:
            file.write(b"From desk@example.org Thu Jan 31 12:00:00 2030\n")
            file.write(message(name, locale).replace(b"\r\n", b"\n") + b"\n")
    line = [filter_, "--local", "--mbox", str(box)]
    found = subprocess.run(line, capture_output=True, text=True, check=True, timeout=50).stdout  # noqa: S603 (our own line)
    scores = [
        float(score) for score in re.findall(r"^X-Spam-Status: \w+, score=(-?[\d.]+)", found, re.MULTILINE)
    ]

    assert len(scores) == len(EVERY_MAIL)
    assert max(scores) < 1
