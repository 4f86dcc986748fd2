"""A gateway that is away, hangs or is none: one documented exception, in time."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from producers.async_client import AsyncMailer
from producers.client import Mailer
from producers.errors import (
    GatewayError,
    QueueUnavailable,
)
from tests.integration.producers.waiting import BUSY, CANARY, MAIL, WHEN_DOWN, WHEN_HUNG, seconds_of
from tests.servers.odd_http import OddServer, answering, trickling

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from tests.servers.gateway import Running


def test_a_gateway_that_is_down_is_reported_within_a_second() -> None:
    with Mailer("http://127.0.0.1:1", key=CANARY) as mailer:
        calls: list[Callable[[], object]] = [
            lambda: mailer.enqueue(MAIL),
            lambda: mailer.enqueue_many([MAIL] * 1200),
            lambda: mailer.poll("m"),
            lambda: mailer.wait("m", timeout=9.0),
            lambda: mailer.cancel("m"),
            lambda: mailer.resend("m", MAIL),
            lambda: mailer.store_bytes(b"", name="a"),
        ]
        assert max(map(seconds_of, calls)) < WHEN_DOWN


def silent(connection: socket.socket, _request: bytes) -> None:
    connection.recv(1)


def test_a_gateway_that_hangs_is_reported_within_six_seconds() -> None:
    """Silence, or a byte now and then; to callers of an event loop too, and to all of them at once."""

    async def call(url: str) -> list[object]:
        async with AsyncMailer(url, key=CANARY) as mailer:
            first = asyncio.create_task(mailer.enqueue(MAIL))
            await asyncio.sleep(0.1)
            # They go together when the first has failed, and must not wait for the same silence once more.
            others = [mailer.enqueue(MAIL) for _ in range(5)]
            return await asyncio.gather(first, *others, mailer.wait("m", timeout=0.0), return_exceptions=True)

    async def call_both(*urls: str) -> list[list[object]]:
        return await asyncio.gather(*map(call, urls))

    began = time.monotonic()
    with OddServer(silent) as one, OddServer(trickling) as other:
        outcomes = asyncio.run(call_both(one.url, other.url))
    seconds = time.monotonic() - began

    assert {type(outcome) for found in outcomes for outcome in found} == {QueueUnavailable}
    assert seconds <= WHEN_HUNG + BUSY


def test_a_name_that_is_not_resolved_is_reported_at_once() -> None:
    with Mailer("https://no-such-host.invalid", key=CANARY) as mailer:
        assert seconds_of(lambda: mailer.enqueue(MAIL)) < WHEN_HUNG


def test_a_queue_behind_the_gateway_that_is_gone_is_no_queue(
    start_gateway: Callable[..., Running], new_redis: Callable[..., Any]
) -> None:
    queue = new_redis()
    gateway = start_gateway(queue.url)
    with Mailer(gateway.url, key=gateway.key) as mailer:
        mailer.enqueue(MAIL)
        queue.end()
        assert seconds_of(lambda: mailer.enqueue(MAIL)) < WHEN_DOWN


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n<html", "no JSON"),
        (b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}", r"\(id\)"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "404"),
        (b"HTTP/1.1 301 Moved\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n", "301"),
        (b"HTTP/1.1 429 Slow\r\nContent-Length: 0\r\nRetry-After: 99\r\n\r\n", "there is more in 99 s"),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", "cannot reach the queue"),
        (b"220 mail.example.org ESMTP\r\n\r\n", "RemoteProtocolError"),
    ],
    ids=["page", "other JSON", "not found", "redirect", "proxy's limit", "proxy without us", "SMTP"],
)
def test_whatever_else_answers_is_one_documented_exception(answer: bytes, said: str) -> None:
    with (
        OddServer(answering(answer)) as odd,
        Mailer(odd.url, key=CANARY) as mailer,
        pytest.raises((GatewayError, QueueUnavailable), match=said),
    ):
        mailer.enqueue(MAIL)


def test_an_answer_without_end_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("producers.over_http.line._MOST", 1000)
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000
    with (
        OddServer(answering(answer)) as odd,
        Mailer(odd.url, key=CANARY) as mailer,
        pytest.raises(GatewayError, match="larger"),
    ):
        mailer.poll("m")
