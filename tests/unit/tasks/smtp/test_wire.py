from __future__ import annotations

import socket
import threading
import time
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.deadline import Deadline
from tasks.smtp.replies import RawReply
from tasks.smtp.wire import ConnectionLost, ProtocolError, Wire
from tests.unit.tasks.smtp.conftest import Clock, ScriptedSocket

if TYPE_CHECKING:
    from collections.abc import Callable


def receive(*pieces: bytes) -> RawReply:
    return Wire(ScriptedSocket(list(pieces))).receive(Deadline.after(5))


@pytest.mark.parametrize(
    ("pieces", "reply"),
    [
        ([b"250 ok\r\n"], RawReply(250, (b"ok",))),
        ([b"250 ok\n"], RawReply(250, (b"ok",))),
        ([b"250\r\n"], RawReply(250, (b"",))),
        ([b"2", b"50 o", b"k\r", b"\n"], RawReply(250, (b"ok",))),
        ([b"250-a\r\n250-b\r\n250 c\r\n"], RawReply(250, (b"a", b"b", b"c"))),
        ([b"250-a\r\n251 b\r\n"], RawReply(251, (b"a", b"b"))),
    ],
    ids=["plain", "bare LF", "no text", "in pieces", "three lines", "last code counts"],
)
def test_a_reply_is_read(pieces: list[bytes], reply: RawReply) -> None:
    assert receive(*pieces) == reply


@pytest.mark.parametrize(
    "data",
    [
        b"banana\r\n",
        b"\r\n",
        b"25\r\n",
        b"2500 ok\r\n",
        b"22O ok\r\n",
        b"999 ok\r\n",
        b"100 ok\r\n",
        b"250_ok\r\n",
        "\uff12\uff15\uff10 ok\r\n".encode(),
        b"250 " + b"x" * 9000 + b"\r\n",
        b"x" * 9000,
        b"250-x\r\n" * 129,
        (b"250-" + b"x" * 8000 + b"\r\n") * 9,
        b"250-a\r\n550 b\r\n",
    ],
)
def test_what_is_no_reply_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        receive(data)


def test_a_reply_that_the_connection_ends_in_is_lost() -> None:
    with pytest.raises(ConnectionLost):
        receive(b"250-a\r\n25")


def test_replies_that_come_together_are_read_one_by_one() -> None:
    wire = Wire(ScriptedSocket([b"250 a\r\n550 b\r\n"]))

    assert wire.receive(Deadline.after(5)).code == 250
    assert wire.is_buffered
    assert wire.receive(Deadline.after(5)).code == 550
    assert not wire.is_buffered


@given(st.lists(st.binary(max_size=300), max_size=20))
@example([b"250-a\r\n"] * 20)
def test_whatever_comes_is_a_reply_or_one_of_two_errors(pieces: list[bytes]) -> None:
    try:
        reply = receive(*pieces)
    except (ProtocolError, ConnectionLost):
        return

    assert 200 <= reply.code <= 599
    assert reply.lines


def test_a_flood_takes_little_memory() -> None:
    class Flood(ScriptedSocket):
        def recv(self, size: int) -> bytes:
            return (b"250-flood\r\n" * 1000)[:size]

    wire = Wire(Flood([]))
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolError):
            wire.receive(Deadline.after(5))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 2**20


def test_bytes_that_drip_do_not_extend_the_time(clock: Clock) -> None:
    class Slow(ScriptedSocket):
        def recv(self, size: int) -> bytes:
            clock.now += 1.0
            return super().recv(min(size, 1))

    started = clock.now

    with pytest.raises(TimeoutError):
        Wire(Slow([b"250 a reply that takes too long\r\n"])).receive(Deadline.after(3.5, clock=clock))
    assert clock.now - started == 4.0


@pytest.mark.parametrize(
    "action",
    [lambda wire, deadline: wire.send(b"x" * 10_000_000, deadline), Wire.receive],
    ids=["never reads", "never writes"],
)
def test_a_peer_that_does_nothing_is_waited_for_as_long_as_there_is_time(
    action: Callable[[Wire, Deadline], object],
) -> None:
    here, there = socket.socketpair()
    with here, there:
        wire = Wire(here)
        started = time.monotonic()

        with pytest.raises(TimeoutError):
            action(wire, Deadline.after(0.2))
        assert 0.2 <= time.monotonic() - started < 0.7


def test_a_reply_that_comes_late_is_not_missed() -> None:
    here, there = socket.socketpair()
    with here, there:
        timer = threading.Timer(0.05, there.sendall, [b"250 ok\r\n"])
        timer.start()

        assert Wire(here).receive(Deadline.after(5)).code == 250
        timer.join()


def test_sending_counts_what_was_taken(clock: Clock) -> None:
    class Full(ScriptedSocket):
        def send(self, data: bytes) -> int:
            clock.now += 1.0
            return super().send(data)

    connection = Full([], most_per_send=10)
    wire = Wire(connection)

    with pytest.raises(TimeoutError):
        wire.send(b"x" * 100, Deadline.after(2.5, clock=clock))
    assert wire.sent == len(connection.sent) == 30
