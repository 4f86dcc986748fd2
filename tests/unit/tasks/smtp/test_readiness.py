"""What a server nearby says is waited for on the spot; of any other the loop says when it can be read."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any, cast

import pytest

from tasks import loops
from tasks.deadline import Deadline
from tasks.smtp import readiness as module
from tasks.smtp.readiness import Readiness

if TYPE_CHECKING:
    from collections.abc import Iterator


class Waits:
    """A loop in which everything comes at once; it counts how often it was asked."""

    def __init__(self) -> None:
        self.count = 0

    def wait(self, *_: object, **__: object) -> bool:
        self.count += 1
        return True


@pytest.fixture
def waits() -> Iterator[Waits]:
    waits = Waits()
    loops.enter(cast("Any", waits))
    yield waits
    loops.enter(None)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@pytest.fixture
def deadline() -> Deadline:
    return Deadline.after(5.0)


def test_an_urgent_reply_that_is_there_needs_no_loop(
    waits: Waits,
    pair: tuple[socket.socket, socket.socket],
    deadline: Deadline,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_AT_ONCE", 1.0)
    ours, theirs = pair
    ready = Readiness(ours)
    theirs.send(b"250 ok\r\n")
    for _ in range(3):
        ready.to_read(deadline, is_urgent=True)
    assert waits.count == 0

    ready.to_read(deadline)
    assert waits.count == 1


def test_a_server_that_takes_longer_is_tried_again_after_ever_more_waits(
    waits: Waits, pair: tuple[socket.socket, socket.socket], deadline: Deadline
) -> None:
    tried = []

    class Ready(Readiness):
        __slots__ = ()

        def _comes_at_once(self) -> bool:
            before = self._skipped
            has_come = super()._comes_at_once()
            tried.append(self._skipped <= before)
            return has_come

    ready = Ready(pair[0])
    for _ in range(200):
        ready.to_read(deadline, is_urgent=True)

    assert [i for i, was_tried in enumerate(tried) if was_tried] == [0, 2, 6, 14, 30, 62, 126, 190]
    assert waits.count == 200


def test_a_server_that_is_quick_again_is_waited_for_again(
    waits: Waits,
    pair: tuple[socket.socket, socket.socket],
    deadline: Deadline,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_AT_ONCE", 1.0)
    ours, theirs = pair
    ready = Readiness(ours)
    ready.to_read(deadline, is_urgent=True)
    theirs.send(b"250 ok\r\n")
    for _ in range(10):
        ready.to_read(deadline, is_urgent=True)

    assert waits.count == 2


def test_one_that_always_answers_a_little_late_holds_nobody_up(
    waits: Waits,
    pair: tuple[socket.socket, socket.socket],
    deadline: Deadline,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_AT_ONCE", -1.0)
    ours, theirs = pair
    ready = Readiness(ours)
    theirs.send(b"250 ok\r\n")
    for _ in range(100):
        ready.to_read(deadline, is_urgent=True)

    assert waits.count > 90


def test_the_loop_waits_for_a_server_whose_greeting_took_long(
    pair: tuple[socket.socket, socket.socket], deadline: Deadline, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = pair
    ready = Readiness(ours)
    greeting = threading.Timer(0.02, lambda: theirs.send(b"220 far away\r\n"))
    greeting.start()
    ready.to_read(deadline)
    greeting.join()
    waits = Waits()
    monkeypatch.setattr(module, "current", lambda: waits)
    for _ in range(5):
        ready.to_read(deadline, is_urgent=True)

    assert waits.count == 5
