"""The inbox in a browser: hostile mails do nothing, and ordinary ones can be read."""

from __future__ import annotations

import socketserver
import threading
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from tests.stories import catch, newsletter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

#: One pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360f8cf"
    "c0000003010100c9fe92ef0000000049454e44ae426082"
)
#: Every way that comes to mind in which a mail tells somebody that it is read, or does more than that.
HOSTILE = """<!doctype html><html><head>
<meta http-equiv="refresh" content="0;url={host}/refresh">
<base href="{host}/base/">
<link rel="stylesheet" href="{host}/style.css"><link rel="preconnect" href="{host}">
<link rel="prefetch" href="{host}/prefetch"><link rel="icon" href="{host}/icon.png">
<style>@import url({host}/import.css); @font-face {{ font-family: f; src: url({host}/font.woff2) }}
body {{ font-family: f; background: url({host}/background.png) }}</style>
<script>new Image().src = "{host}/script"; fetch("{host}/fetch"); parent.document.title = "owned"</script>
</head><body onload='new Image().src = "{host}/onload"'>
<p id="read">Read me</p><a href="{host}/top" target="_top">above</a>
<a href="{host}/link" ping="{host}/ping">here</a>
<img src="{host}/image.png"><img src="x" onerror='new Image().src = "{host}/onerror"'>
<img srcset="{host}/srcset.png 1x">
<picture><source srcset="{host}/source.png"><img src="{host}/picture"></picture>
<iframe src="{host}/frame"></iframe><object data="{host}/object"></object><embed src="{host}/embed">
<video src="{host}/video" poster="{host}/poster" autoplay></video><audio src="{host}/audio" autoplay></audio>
<svg><image href="{host}/svg.png"/><use href="{host}/use.svg#a"/></svg>
<form action="{host}/form"><input name="x" autofocus><button id="send">send</button></form>
</body></html>
"""


class Listener(socketserver.ThreadingTCPServer):
    """Notes whoever connects: even that would tell that a mail is read."""

    daemon_threads = True

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.heard = threading.Event()
        super().__init__(("127.0.0.1", 0), _Note)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Note(socketserver.StreamRequestHandler):
    server: Listener

    def handle(self) -> None:
        self.server.heard.set()
        self.server.lines.append(self.rfile.readline())
        self.wfile.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def html_mail(html: str) -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"] = "Hostile"
    mail.set_content(html, subtype="html")
    return mail


def test_nothing_in_a_mail_runs_and_nothing_from_elsewhere_is_loaded(
    look: Callable[..., Any], mails: Path, listener: Listener
) -> None:
    name = catch(mails, html_mail(HOSTILE.format(host=listener.url)))
    window = look()
    page = window.open(f"/inbox/{quote(name)}")
    shown = page.frame_locator("iframe")
    expect(shown.locator("#read")).to_have_text("Read me")
    page.wait_for_load_state("networkidle")
    shown.locator("#send").click()
    shown.get_by_text("above").click()
    shown.get_by_text("here").click()
    page.wait_for_load_state("networkidle")

    assert page.title() == "Hostile · Postroom"
    assert page.url.endswith(f"/inbox/{quote(name)}")
    assert listener.lines == []
    assert not listener.heard.is_set()
    assert all("sandboxed" in complaint for complaint in window.complaints)
    window.complaints.clear()


def test_without_the_sandbox_the_same_mail_would_have_told(browser: Browser, listener: Listener) -> None:
    """Else the test above would pass where a browser does none of this anyway."""
    page = browser.new_page()
    page.set_content(HOSTILE.format(host=listener.url), wait_until="commit")

    assert listener.heard.wait(10)
    page.close()


def test_a_mails_own_images_are_shown(look: Callable[..., Any], mails: Path) -> None:
    mail = html_mail('<img id="own" src="cid:logo@example.org">')
    mail.add_related(PNG, maintype="image", subtype="png", cid="<logo@example.org>")
    page = look().open(f"/inbox/{quote(catch(mails, mail))}")
    image = page.frame_locator("iframe").locator("#own")

    expect(image).to_be_visible()
    assert image.evaluate("e => e.complete && e.naturalWidth") == 1


def test_a_mail_is_found_read_and_its_file_kept_without_a_mouse(
    look: Callable[..., Any], mails: Path
) -> None:
    catch(mails, newsletter())
    window = look()
    page = window.open("/inbox?stay")
    window.tab_to("Reset your password: 30 minutes left")
    window.press("Enter")
    expect(page.frame_locator("iframe").get_by_text("Hello Ann")).to_be_visible()
    expect(page.get_by_role("link", name="https://accounts.example.org/reset?token=4f6c")).to_be_visible()
    window.tab_to("Text")
    window.press("Enter")
    expect(page.get_by_text("It works for 30 minutes.")).to_be_visible()
    window.tab_to("terms.pdf")
    with page.expect_download() as kept:
        window.press("Enter")

    assert kept.value.suggested_filename == "terms.pdf"
    assert kept.value.path().read_bytes() == b"%PDF-1.4 terms"


def test_a_mail_can_be_seen_as_on_a_phone(look: Callable[..., Any], mails: Path) -> None:
    page = look().open(f"/inbox/{quote(catch(mails, newsletter()))}")
    page.get_by_role("link", name="Narrow, as on a phone").click()
    box = page.locator("iframe").bounding_box()

    assert box is not None
    assert box["width"] == 360


def test_the_list_shows_new_mails_by_itself(look: Callable[..., Any], mails: Path) -> None:
    page = look().open("/inbox")
    mail = newsletter()
    mail.replace_header("Subject", "Come later")
    catch(mails, mail)

    expect(page.get_by_role("link", name="Come later")).to_be_visible(timeout=12_000)


def test_the_source_is_shown_and_not_run(look: Callable[..., Any], mails: Path) -> None:
    name = catch(mails, html_mail("<script>document.title = 'owned'</script>"))
    window = look()
    page = window.open(f"/inbox/{quote(name)}/source")

    expect(page.locator("body")).to_contain_text("<script>document.title")
    assert page.title() != "owned"
