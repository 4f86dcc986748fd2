"""Sparing callers the wait for a server that did not answer somebody else a moment ago."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

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
        self._until = float("-inf")
        self.clock = clock
        self.is_suspect = False
        self.probe = threading.Lock()

    def check(self) -> None:
        """
        Pass unless the server is to be left alone now.

        Raises:
            Resting: it hung a moment ago.
        """
        if self.is_suspect and (self.clock() < self._until or self.probe.locked()):
            raise Resting("it did not answer a moment ago")

    def note_failure(self, seconds: float) -> None:
        """Note that the server was asked for *seconds* and did not answer."""
        self.is_suspect = seconds >= A_HANG
        self._until = self.clock() + self._seconds

    def turn(self) -> AbstractContextManager[None]:
        """
        Ask the server in the block that this is for; it has hung if that takes its time and then fails.

        Entering the block raises `Resting` where it hung a moment ago, or somebody else is asking it.
        """
        return _Turn(self)


class _Turn:
    """A block in which the server is asked: a class, which costs a fifth of a generator's processor time."""

    __slots__ = ("_began", "_is_probe", "_rest")

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def __enter__(self) -> None:
        rest = self._rest
        rest.check()
        self._is_probe = rest.is_suspect
        if self._is_probe and not rest.probe.acquire(blocking=False):
            raise Resting("somebody else is asking it")
        self._began = rest.clock()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        rest = self._rest
        if kind is None:
            rest.is_suspect = False
        elif issubclass(kind, Exception):
            rest.note_failure(rest.clock() - self._began)
        if self._is_probe:
            rest.probe.release()
