"""What is urgent goes before everything else that is ready."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tasks import loops
from tests.unit.worker.fibers.running import LONG, carry
from worker.fibers import loop as module

if TYPE_CHECKING:
    import socket

    from worker.fibers.loop import FiberLoop


def test_what_is_urgent_goes_before_those_who_were_ready_earlier(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.0)
    ours, theirs = pair
    order: list[str] = []

    def urgent(loop: FiberLoop) -> None:
        assert loop.wait(ours, ours.fileno(), to_write=False, seconds=LONG, is_urgent=True)
        order.append("urgent")

    def first(_loop: FiberLoop) -> None:
        theirs.send(b"came")
        order.append("first")

    carry(urgent, first, *[lambda _loop: order.append("later")] * 3)

    assert order == ["first", "urgent", "later", "later", "later"]


def test_whoever_gives_way_goes_on_behind_what_is_urgent_and_before_the_others(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.0)
    ours, theirs = pair
    order: list[str] = []

    def urgent(loop: FiberLoop) -> None:
        assert loop.wait(ours, ours.fileno(), to_write=False, seconds=LONG, is_urgent=True)
        order.append("urgent")

    def worker(_loop: FiberLoop) -> None:
        loops.give_way()
        theirs.send(b"came")
        time.sleep(0.001)
        order.append("works")
        loops.give_way()
        order.append("goes on")

    carry(urgent, worker, lambda _loop: order.append("later"))

    assert order == ["works", "urgent", "goes on", "later"]


def test_what_is_urgent_and_comes_too_late_is_not_looked_for_any_more(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, _ = pair
    looks: list[float] = []

    def reader(loop: FiberLoop) -> None:
        assert not loop.wait(ours, ours.fileno(), to_write=False, seconds=0.01, is_urgent=True)
        monkeypatch.setattr(loop, "_look_for_urgent", lambda: looks.append(0.0))
        loop.sleep(0.0)
        loop.give_way()

    carry(reader)

    assert looks == []


def test_what_is_urgent_and_cannot_be_waited_for_is_not_looked_for(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, _ = pair
    looks: list[float] = []

    def reader(loop: FiberLoop) -> None:
        with pytest.raises((OSError, ValueError)):
            loop.wait(ours, -1, to_write=False, seconds=LONG, is_urgent=True)
        monkeypatch.setattr(loop, "_look_for_urgent", lambda: looks.append(0.0))
        loop.give_way()

    carry(reader)

    assert looks == []


def test_without_a_loop_nobody_has_to_give_way() -> None:
    loops.give_way()
