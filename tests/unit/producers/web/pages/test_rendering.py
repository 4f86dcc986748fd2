"""What every page has: its headers, its language, and an answer for everything that goes wrong."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import producers.web.pages
from producers.web.app import create_app
from producers.web.pages.rendering import _ago, _size, asset
from producers.web.pages.wording import WORDINGS
from tasks.contract.result import RecipientState
from tasks.contract.status import MailState

if TYPE_CHECKING:
    from producers.web.gateway import Gateway

TEMPLATES = sorted((Path(producers.web.pages.__file__).parent / "templates").glob("*.html"))
NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    "path", ["/emails/sign-in", "/emails", "/emails/x", "/inbox", "/inbox/x", "/nowhere", "/emails/a/b"]
)
def test_every_page_may_load_next_to_nothing_and_be_framed_by_nobody(operator: Any, path: str) -> None:
    operator.headers["Accept"] = "text/html"
    answer = operator.get(path)
    policy = dict(
        part.split(" ", 1) for part in answer.headers.get("content-security-policy", "").split("; ") if part
    )

    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.status_code == 303 or policy == policy | {
        "default-src": "'none'",
        "style-src": "'self'",
        "frame-ancestors": "'none'",
        "form-action": "'self'",
        "base-uri": "'none'",
    }
    assert "script-src" not in policy


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda file: file.name)
def test_no_template_has_a_script_a_style_or_something_from_elsewhere(template: Path) -> None:
    text = template.read_text(encoding="utf-8")

    assert re.findall(r"<script|<style|\sstyle=|\son\w+=|javascript:", text) == []
    assert re.findall(r'(?:src|href|action)="(?!\{\{|/|#)[^"]*"', text) == []
    assert "|safe" not in text


def test_every_state_has_a_name() -> None:
    assert {*MailState, *RecipientState} <= set(WORDINGS)
    assert all(WORDINGS[state].meaning for state in MailState)


def test_an_asset_may_be_kept_since_another_content_has_another_address(visitor: Any) -> None:
    page = visitor.get("/emails/sign-in").text
    addresses = re.findall(r'"(/pages/[^"]+)"', page)
    answers = [visitor.get(address) for address in set(addresses)]

    assert {answer.headers["content-type"] for answer in answers} == {
        "text/css; charset=utf-8",
        "image/svg+xml",
    }
    assert all("immutable" in answer.headers["cache-control"] for answer in answers)
    assert all("?v=" in address for address in addresses)
    assert visitor.get("/pages/base.html").status_code == 404
    assert visitor.get("/pages/..%2Ftemplates%2Fbase.html").status_code == 404


def test_the_icon_and_the_style_are_small() -> None:
    assert len(asset("style.css")) + len(asset("icon.svg")) < 20_000


def test_a_queue_that_is_away_is_a_page_that_says_so(
    operator: Any, outbox: Any, call: Any, mail: dict[str, Any]
) -> None:
    mail_id = call("POST", "/v1/emails", json=mail).json()["id"]
    outbox.is_away = True
    answers = [operator.get("/emails"), operator.get(f"/emails/{mail_id}")]

    assert [answer.status_code for answer in answers] == [503, 503]
    assert all("<h1>The queue is not available</h1>" in answer.text for answer in answers)
    assert all("Try again" in answer.text for answer in answers)


def test_a_session_that_cannot_be_looked_up_is_a_page_that_says_so(
    operator: Any, pages: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ConnectionError("canary")

    monkeypatch.setattr(pages.sessions, "_redis", None)
    monkeypatch.setattr("producers.web.pages.sessions.run_script", fail)
    answer = operator.get("/emails")

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert "<h1>The queue is not available</h1>" in answer.text
    assert "canary" not in answer.text


def test_a_bug_is_a_page_without_its_text(operator: Any, gateway: Gateway) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("canary")

    gateway.errands.page = fail  # type: ignore[method-assign,assignment] # the bug
    answer = operator.get("/emails")

    assert answer.status_code == 500
    assert "<h1>An error of the gateway</h1>" in answer.text
    assert "canary" not in answer.text
    assert "Traceback" not in answer.text


def test_programs_get_problem_documents_as_before(visitor: Any, call: Any) -> None:
    visitor.headers["Accept"] = "text/html"
    of_the_api = visitor.get("/v1/emails")
    lost = call("GET", "/nowhere")

    assert of_the_api.headers["content-type"] == "application/problem+json"
    assert lost.headers["content-type"] == "application/problem+json"
    assert visitor.get("/v1/nowhere").headers["content-type"] == "application/problem+json"


def test_the_description_of_the_api_leaves_pages_out(visitor: Any) -> None:
    paths = visitor.get("/openapi.json").json()["paths"]

    assert [path for path in paths if not path.startswith(("/v1/", "/healthz", "/readyz"))] == []


def test_a_gateway_without_pages_has_none(call: Any, gateway: Gateway) -> None:
    bare = type(call)(create_app(gateway), call.runner)

    for path in ("/", "/emails", "/emails/sign-in", "/inbox", "/pages/style.css"):
        answer = bare("GET", path, headers={"Accept": "text/html"})
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_the_root_leads_to_the_pages(visitor: Any) -> None:
    assert visitor.get("/").headers["location"] == "/emails"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "just now"),
        (1, "1 second ago"),
        (-59, "in 59 seconds"),
        (61, "1 minute ago"),
        (7300, "2 hours ago"),
        (-86400 * 3, "in 3 days"),
    ],
)
def test_a_moment_is_said_as_people_say_it(seconds: float, words: str) -> None:
    assert _ago(NOW - timedelta(seconds=seconds), NOW) == words


@pytest.mark.parametrize(
    ("size", "words"), [(1, "1 byte"), (999, "999 bytes"), (1500, "1.5 kB"), (2e6, "2.0 MB")]
)
def test_a_size_is_said_as_people_say_it(size: float, words: str) -> None:
    assert _size(int(size)) == words
