"""Threads for what may block."""

from __future__ import annotations

import threading
from collections import deque
from math import inf
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from worker.fibers.loop import FiberLoop

T = TypeVar("T")


class Helpers:
    """
    Does what is left to it at once, in a resting thread or a new one.

    There are as many threads as were ever needed at a time. None keeps the process from ending, as those of
    the standard library's executor would.
    """

    def __init__(self) -> None:
        self._works: deque[Callable[[], object]] = deque()
        self._changed = threading.Condition()
        self._resting = 0
        self._count = 0

    def run(self, work: Callable[[], object]) -> None:
        """
        Have *work*, which never raises, done.

        Raises:
            RuntimeError: it needs another thread, and the system gives none; nothing is done.
        """
        with self._changed:
            self._works.append(work)
            if self._resting >= len(self._works):
                self._changed.notify()
                return
            self._count += 1
            name = f"postroom-helper-{self._count}"
        try:
            threading.Thread(target=self._serve, name=name, daemon=True).start()
        except BaseException:
            with self._changed:
                self._count -= 1
                self._works.remove(work)
            raise

    def _serve(self) -> None:
        while True:
            with self._changed:
                self._resting += 1
                while not self._works:
                    self._changed.wait()
                self._resting -= 1
                work = self._works.popleft()
            work()
            del work  # What it holds on to must not live as long as this thread rests.


def offload(loop: FiberLoop, helpers: Helpers, work: Callable[[], T]) -> T:
    """Return what *work* returns or raises, run by one of *helpers* while the fibers of *loop* go on."""
    wait = loop.wait_for(inf)

    def run() -> None:
        try:
            outcome: tuple[T | None, BaseException | None] = work(), None
        except BaseException as error:  # noqa: BLE001 (it is raised where it belongs)
            outcome = None, error
        loop.call_soon(lambda: loop.wake(wait, outcome))

    try:
        helpers.run(run)
    except BaseException:
        loop.forget(wait)
        raise
    value: Any
    value, error = loop.park()
    if error is not None:
        raise error
    return value  # type: ignore[no-any-return]  # as `work` returned it
