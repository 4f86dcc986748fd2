"""Sparing callers the wait for a server that did not answer somebody else a moment ago."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Seconds after which an attempt that fails has hung; a server that is down refuses at once.
A_HANG: Final = 1.0


class Resting(TimeoutError):
    """The server is not asked, because it hung a moment ago."""


class Rest:
    """
    Lets one caller at a time try a server that hung, and refuses the others, until it has answered again.

    For *seconds* after a hang nobody tries it at all. Threads share it: those that began before the hang was
    noticed wait for its end, and no queue of callers waits for the same silence one after the other.
    """

    def __init__(self, seconds: float = 0.0, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._until = float("-inf")
        self._is_suspect = False
        self._probe = threading.Lock()

    def check(self) -> None:
        """
        Pass unless the server is to be left alone now.

        Raises:
            Resting: it hung a moment ago.
        """
        if self._is_suspect and (self._clock() < self._until or self._probe.locked()):
            raise Resting("it did not answer a moment ago")

    @contextmanager
    def turn(self) -> Iterator[None]:
        """
        Ask the server in this block; it has hung if that takes its time and then fails.

        Raises:
            Resting: it hung a moment ago.
        """
        self.check()
        if not self._is_suspect:
            with self._watched():
                yield
        elif self._probe.acquire(blocking=False):
            try:
                with self._watched():
                    yield
            finally:
                self._probe.release()
        else:
            raise Resting("somebody else is asking it")

    @contextmanager
    def _watched(self) -> Iterator[None]:
        began = self._clock()
        try:
            yield
        except Exception:
            self._is_suspect = self._clock() - began >= A_HANG
            self._until = self._clock() + self._seconds
            raise
        else:
            self._is_suspect = False
