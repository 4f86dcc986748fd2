"""Doing together what arrives together, without making anybody wait for company."""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")
R = TypeVar("R")


class Overloaded(Exception):
    """More waits already than can be done in good time."""


class Runs(Generic[T, R]):
    """
    Hands items to *handle* in runs: what waits when the last run is done makes the next one.

    A lone item goes at once; nothing is ever held back for others to come. *handle* blocks, so it has a
    thread, and never more than one. It answers for each item, with an exception where that is the answer;
    what it raises is raised for the whole run. A run ends with the item whose *weight* makes it as heavy as
    *heaviest*; at most *waiting* items wait, and none for longer than *patience* seconds.
    """

    def __init__(
        self,
        handle: Callable[[Sequence[T]], Sequence[R | Exception]],
        *,
        weight: Callable[[T], int] = lambda _: 1,
        heaviest: int = 500,
        waiting: int = 5000,
        patience: float = 5.0,
    ) -> None:
        self._handle = handle
        self._weight = weight
        self._heaviest = heaviest
        self._waiting = waiting
        self._patience = patience
        self._queue: deque[tuple[T, asyncio.Future[R]]] = deque()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="run")
        self._worker: asyncio.Task[None] | None = None

    async def hand(self, item: T) -> R:
        """
        Return the answer to *item*; cancelled or given up before its turn, the item is dropped.

        Raises:
            Overloaded: too many wait.
            TimeoutError: there is no answer yet, for longer than anybody has patience.
            Exception: whatever the answer is, or what *handle* raised.
        """
        if len(self._queue) >= self._waiting:
            raise Overloaded
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[R] = loop.create_future()
        self._queue.append((item, answer))
        if self._worker is None:
            self._worker = loop.create_task(self._work())
        # In place of asyncio.timeout, which takes three times as long and is made for more.
        timer = loop.call_later(self._patience, _give_up, answer)
        try:
            return await answer
        finally:
            timer.cancel()
            # An exception has this frame, which would have it by its future: a circle that keeps the item.
            del answer

    def close(self) -> None:
        """Wait for the run under way and end the thread."""
        self._thread.shutdown()

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while run := self._next():
                items = [item for item, _ in run]
                try:
                    answers = await loop.run_in_executor(self._thread, self._handle, items)
                except Exception as error:  # noqa: BLE001 (it is raised where the items came from)
                    answers = [error] * len(run)
                _settle(run, answers)
                # As above: what was raised has this frame.
                answers = []
        finally:
            self._worker = None

    def _next(self) -> list[tuple[T, asyncio.Future[R]]]:
        run: list[tuple[T, asyncio.Future[R]]] = []
        weight = 0
        while self._queue and weight < self._heaviest:
            item, future = self._queue.popleft()
            if not future.done():
                run.append((item, future))
                weight += self._weight(item)
        return run


def _give_up(future: asyncio.Future[R]) -> None:
    if not future.done():
        future.set_exception(TimeoutError())


def _settle(run: Sequence[tuple[T, asyncio.Future[R]]], answers: Sequence[R | Exception]) -> None:
    for (_, future), answer in zip(run, answers, strict=True):
        if future.done():
            continue
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)
