"""The pages of the inbox: what they show, to whom, and when there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from producers.web.app import create_app
from producers.web.composition import inbox_for
from producers.web.pages.state import Pages
from producers.web.settings import WebSettings
from tests.stories import catch, newsletter

if TYPE_CHECKING:
    from pathlib import Path

    from redis import Redis

    from producers.web.gateway import Gateway


@pytest.fixture
def letter(inbox: Path) -> str:
    """A caught mail with text, HTML and a file; its address."""
    return f"/inbox/{quote(catch(inbox, newsletter()))}"


def test_an_empty_inbox_says_how_to_fill_it(visitor: Any) -> None:
    answer = visitor.get("/inbox")

    assert answer.status_code == 200
    assert "postroom send" in answer.text


def test_the_list_shows_who_wrote_what_to_whom(visitor: Any, letter: str) -> None:
    page = visitor.get("/inbox").text

    for shown in ("Reset your password", "accounts@example.org", "ann@example.org", letter):
        assert shown in page


def test_many_mails_are_shown_in_pages(visitor: Any, inbox: Path) -> None:
    for number in range(60):
        catch(inbox, f"Subject: mail-{number}.\r\n\r\nb".encode())
    first, second = visitor.get("/inbox").text, visitor.get("/inbox?start=50").text
    shown = [{n for n in range(60) if f"mail-{n}." in page} for page in (first, second)]

    assert [len(each) for each in shown] == [50, 10]
    assert not shown[0] & shown[1]
    assert 'href="/inbox?start=50"' in first
    assert visitor.get("/inbox?start=x").status_code == 200


def test_a_mail_shows_its_html_in_a_frame_that_may_do_nothing(visitor: Any, letter: str) -> None:
    page = visitor.get(letter)
    framed = visitor.get(f"{letter}/html")

    assert f'<iframe class="mail" sandbox src="{letter}/html"' in page.text
    assert "frame-src 'self'" in page.headers["content-security-policy"]
    assert framed.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert framed.headers["x-frame-options"] == "SAMEORIGIN"
    assert "Choose a new password" in framed.text


def test_a_mail_shows_its_text_headers_links_and_source(visitor: Any, letter: str, inbox: Path) -> None:
    text = visitor.get(f"{letter}?view=text").text
    headers = visitor.get(f"{letter}?view=headers").text
    source = visitor.get(f"{letter}/source")

    assert "It works for 30 minutes." in text
    assert "&lt;6b1f@example.org&gt;" in headers
    assert (
        '<a href="https://accounts.example.org/reset?token=4f6c" target="_blank" rel="noopener noreferrer">'
        in text
    )
    assert source.headers["content-type"] == "text/plain; charset=utf-8"
    assert source.content == next((inbox / "new").iterdir()).read_bytes()


def test_a_file_is_kept_and_never_shown(visitor: Any, letter: str) -> None:
    page = visitor.get(letter).text
    address = page.partition(f'href="{letter}/parts/')[2].partition('"')[0]
    file = visitor.get(f"{letter}/parts/{address}")

    assert file.content == b"%PDF-1.4 terms"
    assert file.headers["content-type"] == "application/octet-stream"
    assert (
        file.headers["content-disposition"]
        == "attachment; filename=\"terms.pdf\"; filename*=UTF-8''terms.pdf"
    )
    assert file.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in file.headers["content-security-policy"]


@pytest.mark.parametrize("rest", ["x", "x/html", "x/source", "x/parts/1", "..%2F..%2Fetc", "%00"])
def test_what_is_not_there_is_a_page_that_says_so(visitor: Any, rest: str) -> None:
    answer = visitor.get(f"/inbox/{rest}")

    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("part", ["parts/99", "parts/x", "parts/-1"])
def test_a_part_that_is_not_there_is_a_page_that_says_so(visitor: Any, letter: str, part: str) -> None:
    assert visitor.get(f"{letter}/{part}").status_code == 404


def test_hostile_mails_are_listed_and_shown_as_text(visitor: Any, inbox: Path) -> None:
    name = catch(
        inbox,
        b"From: <script>x</script>\r\nSubject: <script>alert(1)</script>\r\n\r\n</pre><script>1</script>",
    )

    for path in ("/inbox", f"/inbox/{quote(name)}", f"/inbox/{quote(name)}?view=headers"):
        assert "<script>" not in visitor.get(path).text


@pytest.mark.parametrize(
    ("base", "peer"),
    [
        ("http://192.0.2.1:8080", "192.0.2.7"),
        ("http://localhost:8080", "192.0.2.7"),
        ("http://rebound.example:8080", "127.0.0.1"),
        ("https://mail.example.org", "127.0.0.1"),
    ],
    ids=["network", "invented host", "rebound name", "proxy"],
)
def test_the_inbox_is_for_this_machine_only(visitor: Any, letter: str, base: str, peer: str) -> None:
    visitor.base, visitor.peer = base, peer

    for path in ("/inbox", letter, f"{letter}/html", f"{letter}/source", f"{letter}/parts/3"):
        answer = visitor.get(path)
        assert answer.status_code == 403
        assert "password" not in answer.text


@pytest.mark.parametrize("base", ["http://localhost:8080", "http://[::1]:8080", "http://127.0.0.1"])
def test_this_machine_has_several_names(visitor: Any, letter: str, base: str) -> None:
    visitor.base = base

    assert visitor.get(letter).status_code == 200


def test_without_an_inbox_there_is_no_page_and_no_way_to_it(
    visitor: Any, gateway: Gateway, redis: Redis, keys: tuple[str, str], letter: str
) -> None:
    visitor.app = create_app(gateway, Pages.over(redis))
    visitor.sign_in(keys[0])

    assert 'href="/inbox"' not in visitor.get("/emails").text
    assert {visitor.get(path).status_code for path in ("/inbox", letter, f"{letter}/source")} == {404}


@pytest.mark.parametrize(
    ("mode", "there"),
    [("development", True), ("production", False), ("", False)],
)
def test_only_development_has_an_inbox_and_must_say_that_it_is(
    mode: str,
    there: bool,  # noqa: FBT001 (a column)
    inbox: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("POSTROOM_WEB_INBOX", str(inbox))
    monkeypatch.setenv("POSTROOM_MODE", mode)
    found = inbox_for(WebSettings(_env_file=None))

    assert (found is not None) is there
    assert ("no inbox" in caplog.text) is not there
