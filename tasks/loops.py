"""
Who waits, where code must: its thread, or a loop that has other work to do meanwhile.

What is written here in terms of one mail after the other (SMTP sessions, retries, the journal) runs unchanged
in a thread of its own or, in a worker, in one of many fibers of a thread. It only has to wait through here.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Loop(Protocol):
    """What lets others work in this thread while one of them waits."""

    def wait(self, owner: object, fileno: int, *, to_write: bool, seconds: float) -> bool:
        """
        Wait until a socket is ready, for at most *seconds*; whether it is.

        *owner* tells this socket from an earlier one with the same number.
        """

    def sleep(self, seconds: float) -> None:
        """Wait for *seconds*."""

    def offload(self, work: Callable[[], T]) -> T:
        """Return what *work* returns or raises, run in another thread, since it may block."""


class _Own(threading.local):
    loop: Loop | None = None


_own = _Own()


def current() -> Loop | None:
    """Return the loop of this thread, None where it has none and may block."""
    return _own.loop


def enter(loop: Loop | None) -> None:
    """Have this thread wait by *loop* from now on."""
    _own.loop = loop


def sleep(seconds: float) -> None:
    """Wait for *seconds*."""
    loop = _own.loop
    if loop:
        loop.sleep(seconds)
    else:
        time.sleep(seconds)


def offload(work: Callable[[], T]) -> T:
    """Return what *work* returns or raises; it may block, and holds up nobody but who called."""
    loop = _own.loop
    return loop.offload(work) if loop else work()
