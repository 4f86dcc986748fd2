"""Threads for what may block."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


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
