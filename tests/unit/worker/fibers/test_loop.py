"""Fibers take turns in one thread, and none waits for longer than it wants to."""

from __future__ import annotations

import os
import socket
import threading
import time
import weakref
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from greenlet import getcurrent

from tasks import loops
from tests import fibers
from worker.fibers import hands
from worker.fibers import loop as module
from worker.fibers.loop import FiberLoop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Seconds that anything here may take; far more than it needs.
LONG = 5.0
#: Seconds by which something may be late on a machine that is busy.
SLACK = 0.5


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)  # noqa: FBT003 (the socket's own signature)
    with ours, theirs:
        yield ours, theirs


def carry(*works: Callable[[FiberLoop], object]) -> None:
    """Run each of *works* in a fiber of one loop, which it is given."""

    def run(work: Callable[[FiberLoop], object]) -> None:
        loop = loops.current()
        assert isinstance(loop, FiberLoop)
        work(loop)

    fibers.carry(*[partial(run, work) for work in works])


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


def test_a_fiber_that_is_through_takes_the_next_work() -> None:
    """A new one costs two calls of the kernel for its stack."""
    seen: list[Any] = []

    def chain(loop: FiberLoop, left: int) -> None:
        seen.append(getcurrent())
        if left:
            loop.spawn(partial(chain, loop, left - 1))

    carry(lambda loop: chain(loop, 20), lambda loop: loop.sleep(0.05))

    assert len(seen) == 21
    assert len(set(seen)) <= 3


def test_a_fiber_that_left_a_wait_behind_takes_no_other_work() -> None:
    ends: list[object] = []

    def leave_a_wait(loop: FiberLoop) -> None:
        wait = loop.wait_for(LONG)

        def next_one() -> None:
            other = loop.wait_for(LONG)
            loop.wake(wait, "meant for somebody else")
            loop.wake(other, "mine")
            ends.append(loop.park())

        loop.spawn(next_one)

    # The other one first, or it would take the fiber.
    carry(lambda loop: loop.sleep(0.05), leave_a_wait)

    assert ends == ["mine"]


def test_a_fiber_that_is_woken_by_mistake_does_the_next_work_all_the_same() -> None:
    done: list[str] = []

    def never_park(loop: FiberLoop) -> None:
        loop.wake(loop.wait_for(LONG), "for nobody")

    def look(loop: FiberLoop) -> None:
        loop.spawn(partial(never_park, loop))
        loop.sleep(0.01)
        for name in ("a", "b", "c"):
            loop.spawn(partial(done.append, name))
        loop.sleep(0.01)

    carry(look)

    assert done == ["a", "b", "c"]


def test_a_fiber_that_rests_holds_on_to_nothing() -> None:
    """What it has done may have had a password in it, or megabytes."""
    done: list[str] = []

    class Work:
        def __call__(self) -> None:
            loops.sleep(0.001)
            done.append("work")

    work = Work()
    known = weakref.ref(work)

    def look(loop: FiberLoop) -> None:
        nonlocal work
        loop.spawn(work)
        del work
        # However long that takes on a busy machine.
        while not done:
            loop.sleep(0.001)
        assert known() is None

    carry(look)


def test_only_so_many_idle_fibers_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hands, "_MOST_IDLE", 2)
    kept: list[int] = []

    def look(loop: FiberLoop) -> None:
        loop.sleep(0.05)
        kept.append(len(loop._hands._idle))  # noqa: SLF001 (nothing else shows it)

    carry(*[lambda loop: loop.sleep(0.01)] * 5, look)

    assert kept == [2]


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


def test_what_blocks_is_done_elsewhere_and_its_outcome_comes_back() -> None:
    order: list[Any] = []
    may_go = threading.Event()

    def blocked(loop: FiberLoop) -> None:
        order.append(loop.offload(lambda: (may_go.wait(LONG), threading.current_thread().name)[1]))

    def other(_loop: FiberLoop) -> None:
        order.append("other")
        may_go.set()

    carry(blocked, other)

    assert order[0] == "other"
    assert order[1].startswith("postroom-helper")


def test_what_the_work_elsewhere_raises_is_raised_where_it_was_asked_for() -> None:
    def fail() -> None:
        raise SystemExit("canary")

    def ask(loop: FiberLoop) -> None:
        with pytest.raises(SystemExit, match="canary"):
            loop.offload(fail)

    carry(ask)


def test_helpers_rest_and_serve_again() -> None:
    names: list[str] = []

    def ask(loop: FiberLoop) -> None:
        for _ in range(5):
            names.append(loop.offload(lambda: threading.current_thread().name))
            loop.sleep(0.02)

    carry(ask)

    assert len(set(names)) == 1


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


def test_work_that_no_thread_can_be_had_for_is_not_done_later(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def none(_self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    def ask(loop: FiberLoop) -> None:
        with monkeypatch.context() as full:
            full.setattr(threading.Thread, "start", none)
            with pytest.raises(RuntimeError):
                loop.offload(lambda: done.append("in vain"))
        assert loop.offload(lambda: "served") == "served"

    carry(ask)

    assert done == []


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
