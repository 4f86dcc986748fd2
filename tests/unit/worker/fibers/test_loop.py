"""Fibers take turns in one thread, and none waits for longer than it wants to."""

from __future__ import annotations

import os
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from tasks import loops
from tests.unit.worker.fibers.running import LONG, SLACK, carry
from worker.fibers.loop import FiberLoop

if TYPE_CHECKING:
    from collections.abc import Callable


def test_while_one_fiber_waits_the_others_go_on(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    order: list[str] = []

    def reader(loop: FiberLoop) -> None:
        order.append("waits")
        assert loop.wait(ours, ours.fileno(), to_write=False, seconds=LONG)
        order.append(ours.recv(10).decode())

    def writer(_loop: FiberLoop) -> None:
        order.append("writes")
        theirs.send(b"came")

    carry(reader, writer)

    assert order == ["waits", "writes", "came"]


def test_a_wait_ends_at_its_time_to_the_millisecond_or_so(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, _ = pair
    took: list[float] = []

    def reader(loop: FiberLoop) -> None:
        began = time.monotonic()
        assert not loop.wait(ours, ours.fileno(), to_write=False, seconds=0.1)
        took.append(time.monotonic() - began)

    carry(reader, lambda loop: loop.sleep(0.3))

    assert 0.1 <= took[0] < 0.1 + SLACK


def test_sleepers_wake_each_at_its_own_time() -> None:
    order: list[str] = []

    def sleeper(name: str, seconds: float) -> Callable[[FiberLoop], object]:
        return lambda loop: (loop.sleep(seconds), order.append(name))

    carry(sleeper("c", 0.45), sleeper("a", 0.05), sleeper("b", 0.25))

    assert order == ["a", "b", "c"]


def test_a_socket_with_the_number_of_one_that_was_closed_is_another_socket() -> None:
    def read_twice(loop: FiberLoop) -> None:
        for _ in range(2):
            ours, theirs = socket.socketpair()
            with ours, theirs:
                numbers.append(ours.fileno())
                theirs.send(b"x")
                assert loop.wait(ours, ours.fileno(), to_write=False, seconds=LONG)

    numbers: list[int] = []
    carry(read_twice)

    assert numbers[0] == numbers[1], "the system gives the lowest number that is free"


def test_a_socket_is_waited_for_in_both_directions_in_turn(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair

    def use(loop: FiberLoop) -> None:
        for _ in range(3):
            assert loop.wait(ours, ours.fileno(), to_write=True, seconds=LONG)
            assert not loop.wait(ours, ours.fileno(), to_write=False, seconds=0.01)
            theirs.send(b"x")
            assert loop.wait(ours, ours.fileno(), to_write=False, seconds=LONG)
            ours.recv(1)

    carry(use)


def test_what_a_socket_says_while_nobody_listens_costs_nothing_and_is_not_lost(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = pair
    spent: list[float] = []

    def use(loop: FiberLoop) -> None:
        assert not loop.wait(ours, ours.fileno(), to_write=False, seconds=0.01)
        theirs.send(b"x")
        began = time.thread_time()
        loop.sleep(0.2)
        spent.append(time.thread_time() - began)
        assert loop.wait(ours, ours.fileno(), to_write=False, seconds=LONG)

    carry(use)

    assert spent[0] < 0.1, "the loop must not look at it over and over"


def test_a_wait_that_could_not_begin_ends_no_other(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, _ = pair
    gone, _other = socket.socketpair()
    gone.close()
    _other.close()

    def use(loop: FiberLoop) -> None:
        with pytest.raises((OSError, ValueError)):
            loop.wait(gone, gone.fileno(), to_write=False, seconds=0.05)
        began = time.monotonic()
        assert not loop.wait(ours, ours.fileno(), to_write=False, seconds=0.3)
        assert time.monotonic() - began >= 0.3

    carry(use)


def test_no_wish_of_another_thread_is_missed() -> None:
    loop = FiberLoop()
    seen: list[int] = []
    wishes: list[int] = []

    def chore() -> None:
        seen.append(len(wishes))

    loop.chores.append(chore)
    thread = threading.Thread(target=loop.run, daemon=True)
    thread.start()
    for number in range(300):
        wishes.append(number)
        loop.wake_up()
        until = time.monotonic() + LONG
        while seen[-1:] != [number + 1]:
            assert time.monotonic() < until, f"wish {number} was missed"
    loop.stop()
    thread.join(LONG)

    assert not thread.is_alive()


def test_a_wish_that_comes_just_before_the_loop_rests_is_heard() -> None:
    loop, calls = FiberLoop(), []

    def chore() -> None:
        calls.append(loop)
        if len(calls) == 1:
            wisher = threading.Thread(target=loop.wake_up)
            wisher.start()
            wisher.join()
        else:
            loop.stop()

    loop.chores.append(chore)
    thread = threading.Thread(target=loop.run, daemon=True)
    thread.start()
    thread.join(LONG)

    assert not thread.is_alive()


def test_a_fiber_that_raises_ends_neither_the_loop_nor_the_others(caplog: pytest.LogCaptureFixture) -> None:
    done: list[str] = []
    loop = FiberLoop()

    def fail() -> None:
        raise MemoryError("canary")

    def work() -> None:
        done.append("worked")
        loop.stop()

    loop.spawn(fail)
    loop.spawn(work)
    loop.run()

    assert done == ["worked"]
    assert "loop of fibers broke" in caplog.text
    assert "canary" not in caplog.text


def test_code_that_waits_through_loops_works_with_a_loop_and_without_one() -> None:
    assert loops.current() is None
    assert loops.offload(threading.get_ident) == threading.get_ident()
    loops.sleep(0.0)
    seen: list[Any] = []

    def work(loop: FiberLoop) -> None:
        seen.append(loops.current() is loop)
        loops.sleep(0.01)
        seen.append(loops.offload(os.getpid))

    carry(work)

    assert seen == [True, os.getpid()]
