"""Fibers take one work after the other, and hold on to nothing."""

from __future__ import annotations

import weakref
from functools import partial
from typing import TYPE_CHECKING, Any

from greenlet import getcurrent

from tasks import loops
from tests.unit.worker.fibers.running import LONG, carry
from worker.fibers import hands

if TYPE_CHECKING:
    import pytest

    from worker.fibers.loop import FiberLoop


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
