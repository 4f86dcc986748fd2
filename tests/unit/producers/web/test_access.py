"""What is logged, counted, and answered when the gateway itself is wrong."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import threading
from typing import TYPE_CHECKING, Any

import pytest

from producers.web.logs import Json, Together
from producers.web.routers import emails

if TYPE_CHECKING:
    from collections.abc import Iterator

    from producers.web.gateway import Gateway


@pytest.fixture
def output() -> Iterator[io.StringIO]:
    """What loggers of the gateway write."""
    stream = io.StringIO()
    handler = Together(stream)
    handler.setFormatter(Json())
    logger = logging.getLogger("producers.web")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield stream
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


def test_a_bug_is_answered_as_a_problem_and_logged_without_its_text(
    call: Any, mail: dict[str, Any], output: io.StringIO, gateway: Gateway
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(f"canary of {mail['subject']}")

    gateway.errands.page = fail  # type: ignore[method-assign,assignment] # the bug
    broken = call("GET", "/v1/emails")

    [bug] = [line for line in map(json.loads, output.getvalue().splitlines()) if line["event"] == "bug"]
    assert broken.status_code == 500
    assert broken.json()["type"] == "urn:postroom:problem:internal-error"
    assert bug["error"] == "RuntimeError"
    assert "fail:" in bug["where"]
    assert "canary" not in output.getvalue() + broken.text


def test_a_bug_of_the_commonest_operation_is_answered_too(
    call: Any, mail: dict[str, Any], gateway: Gateway
) -> None:
    async def fail(_: object) -> None:
        raise RuntimeError("canary")

    gateway.hand_in = fail  # type: ignore[method-assign,assignment] # the bug
    broken = call("POST", "/v1/emails", json=mail)

    assert broken.status_code == 500
    assert "canary" not in broken.text


def test_every_request_has_one_line_with_its_route_and_no_more(
    call: Any, mail: dict[str, Any], output: io.StringIO
) -> None:
    sent = call("POST", "/v1/emails", json={**mail, "subject": "secret"})
    call("GET", "/v1/emails/secret-id?wait=0")
    call("GET", "/secret-path?secret=query")

    lines = [json.loads(line) for line in output.getvalue().splitlines()]
    assert [(line["method"], line["route"], line["status"]) for line in lines] == [
        ("POST", "/v1/emails", 202),
        ("GET", "/v1/emails/{email_id}", 404),
        ("GET", "-", 404),
    ]
    assert (lines[0]["key"], lines[0]["mail"]) == (call.key.split("_")[1], sent.json()["id"])
    assert "secret" not in output.getvalue()


def test_requests_are_counted_by_route_and_status(call: Any, mail: dict[str, Any], gateway: Gateway) -> None:
    for subject in ("a", "b", ""):
        call("POST", "/v1/emails", json={**mail, "subject": subject})
    call("BREW", "/coffee")

    numbers = gateway.metrics.render().decode()
    line = 'postroom_web_requests_total{method="POST",route="/v1/emails",status="%s"} %s'
    assert line % (202, 2.0) in numbers
    assert line % (422, 1.0) in numbers
    assert 'method="other",route="-",status="404"} 1.0' in numbers
    assert "postroom_web_hand_in_seconds_count 2.0" in numbers
    assert "postroom_web_run_mails_sum 2.0" in numbers


def test_there_are_no_metrics_without_a_token(call: Any) -> None:
    assert call("GET", "/metrics").status_code == 404


def test_the_shortcut_takes_nothing_but_its_own_operation(call: Any) -> None:
    assert call("PUT", "/v1/emails").status_code == 405
    assert call("GET", "/v1/emails").status_code == 200
    assert call("POST", "/v1/emails/").status_code == 404
    assert any(getattr(route, "endpoint", None) is emails.send_email for route in emails.router.routes)


def test_lines_of_one_turn_of_the_loop_are_written_together_and_none_is_lost() -> None:
    writes: list[str] = []

    class Stream(io.StringIO):
        def write(self, text: str) -> int:
            writes.append(text)
            return len(text)

    handler = Together(Stream())
    handler.setFormatter(Json())

    def log(name: str) -> None:
        handler.emit(logging.makeLogRecord({"msg": name, "name": "x", "levelname": "INFO"}))

    async def turn() -> None:
        for number in range(3):
            log(f"in loop {number}")
        thread = threading.Thread(target=log, args=("from a thread",))
        thread.start()
        await asyncio.to_thread(thread.join)

    log("before")
    asyncio.run(turn())
    log("after")

    lines = [json.loads(line)["event"] for line in "".join(writes).splitlines()]
    assert sorted(lines) == sorted(
        ["before", "in loop 0", "in loop 1", "in loop 2", "from a thread", "after"]
    )
    assert len(writes) < len(lines)
