"""What arrives together is done together, and nobody waits for company."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from typing import TYPE_CHECKING

import pytest

from producers.web.runs import Overloaded, Runs

if TYPE_CHECKING:
    from collections.abc import Sequence


class Worker:
    """Doubles numbers; *gate* holds it up, *seen* has its runs."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.begun = threading.Event()
        self.seen: list[list[int]] = []

    def __call__(self, run: Sequence[int]) -> list[int | Exception]:
        self.seen.append(list(run))
        self.begun.set()
        assert self.gate.wait(10)
        if 13 in run:
            raise OSError
        return [ValueError(str(number)) if number < 0 else 2 * number for number in run]


@pytest.fixture
def worker() -> Worker:
    return Worker()


async def under_way(worker: Worker, runs: Runs[int, int]) -> asyncio.Task[int]:
    """Start a run that the gate holds up, and return its only item's task."""
    worker.gate.clear()
    task = asyncio.create_task(runs.hand(1))
    await asyncio.to_thread(worker.begun.wait, 10)
    return task


def test_a_lone_item_goes_at_once(worker: Worker) -> None:
    async def go() -> None:
        runs: Runs[int, int] = Runs(worker)

        assert await runs.hand(2) == 4
        assert await runs.hand(3) == 6

    asyncio.run(go())

    assert worker.seen == [[2], [3]]


def test_what_comes_while_a_run_is_under_way_makes_the_next_one(worker: Worker) -> None:
    async def go() -> list[int]:
        runs: Runs[int, int] = Runs(worker)
        first = await under_way(worker, runs)
        others = [asyncio.create_task(runs.hand(number)) for number in range(2, 7)]
        await asyncio.sleep(0)
        worker.gate.set()
        return list(await asyncio.gather(first, *others))

    assert asyncio.run(go()) == [2, 4, 6, 8, 10, 12]
    assert worker.seen == [[1], [2, 3, 4, 5, 6]]


def test_a_run_ends_when_it_is_heavy_enough(worker: Worker) -> None:
    async def go() -> None:
        runs: Runs[int, int] = Runs(worker, weight=lambda number: number, heaviest=5)
        first = await under_way(worker, runs)
        others = [asyncio.create_task(runs.hand(number)) for number in (2, 4, 9, 1)]
        await asyncio.sleep(0)
        worker.gate.set()
        await asyncio.gather(first, *others)

    asyncio.run(go())

    assert worker.seen == [[1], [2, 4], [9], [1]]


def test_one_items_failure_is_its_own_and_a_runs_failure_everybodys(worker: Worker) -> None:
    async def go() -> list[object]:
        runs: Runs[int, int] = Runs(worker)
        first = await asyncio.gather(runs.hand(-1), runs.hand(4), return_exceptions=True)
        second = await asyncio.gather(runs.hand(13), runs.hand(5), return_exceptions=True)
        return [*first, *second, await runs.hand(6)]

    refused, answered, *away, again = asyncio.run(go())

    assert isinstance(refused, ValueError)
    assert (answered, again) == (8, 12)
    assert [type(error) for error in away] == [OSError, OSError]


def test_an_item_that_is_given_up_before_its_turn_is_never_done(worker: Worker) -> None:
    async def go() -> None:
        runs: Runs[int, int] = Runs(worker)
        first = await under_way(worker, runs)
        given_up, kept = (asyncio.create_task(runs.hand(number)) for number in (2, 3))
        await asyncio.sleep(0)
        given_up.cancel()
        worker.gate.set()
        await asyncio.gather(first, kept)

    asyncio.run(go())

    assert worker.seen == [[1], [3]]


def test_too_many_are_turned_away(worker: Worker) -> None:
    async def go() -> None:
        runs: Runs[int, int] = Runs(worker, waiting=2)
        first = await under_way(worker, runs)
        others = [asyncio.create_task(runs.hand(number)) for number in (2, 3)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await runs.hand(4)
        worker.gate.set()
        await asyncio.gather(first, *others)

    asyncio.run(go())


def test_no_more_than_one_thread_works(worker: Worker) -> None:
    async def go() -> set[threading.Thread]:
        runs: Runs[int, int] = Runs(worker)
        for _ in range(5):
            await asyncio.gather(*map(runs.hand, range(5)))
        return {thread for thread in threading.enumerate() if thread.name.startswith("run")}

    # Those of tests before may end meanwhile.
    others = set(threading.enumerate())

    assert len(asyncio.run(go()) - others) == 1


def test_who_waits_too_long_is_told_so_and_the_item_is_dropped(worker: Worker) -> None:
    async def go() -> None:
        runs: Runs[int, int] = Runs(worker, patience=0.05)
        task = await under_way(worker, runs)

        with pytest.raises(TimeoutError):
            await runs.hand(2)
        worker.gate.set()
        with pytest.raises(TimeoutError):
            await task
        assert await runs.hand(3) == 6

    asyncio.run(go())

    assert worker.seen == [[1], [3]]


class Item:
    """Something that may be large."""


def test_an_item_that_failed_is_let_go_at_once() -> None:
    def fail(_: Sequence[Item]) -> list[int | Exception]:
        raise OSError

    async def go() -> weakref.ref[Item]:
        runs: Runs[Item, int] = Runs(fail)
        item = Item()
        with pytest.raises(OSError):  # noqa: PT011 (the error's kind is all it has)
            await runs.hand(item)
        return weakref.ref(item)

    gc.disable()
    try:
        assert asyncio.run(go())() is None
    finally:
        gc.enable()
