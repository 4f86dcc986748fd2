"""Sparing callers the wait for a server that did not answer somebody else a moment ago."""

from __future__ import annotations

import os
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
    noticed wait for its end, and no queue of callers waits for the same silence one after the other. A forked
    child knows of its parent's hang, and tries the server itself.
    """

    def __init__(self, seconds: float = 0.0, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._until = float("-inf")
        self.clock = clock
        self.is_suspect = False
        self._process = os.getpid()
        self._probe = threading.Lock()

    @property
    def probe(self) -> threading.Lock:
        """What the caller holds who tries a server that hung."""
        if self._process != os.getpid():
            # A thread of the parent may have held the lock, and none of them is left here to let go of it.
            self._probe, self._process = threading.Lock(), os.getpid()
        return self._probe

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

    __slots__ = ("_began", "_probe", "_rest")

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self._probe: threading.Lock | None = None

    def __enter__(self) -> None:
        rest = self._rest
        rest.check()
        if rest.is_suspect:
            probe = rest.probe
            if not probe.acquire(blocking=False):
                raise Resting("somebody else is asking it")
            self._probe = probe
        self._began = rest.clock()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        rest = self._rest
        if kind is None:
            rest.is_suspect = False
        elif issubclass(kind, Exception):
            rest.note_failure(rest.clock() - self._began)
        if self._probe:
            self._probe.release()
