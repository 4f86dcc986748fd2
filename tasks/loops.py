"""
Who waits, where code must: its thread, or a loop that has other work to do meanwhile.

What is written here in terms of one mail after the other (SMTP sessions, retries, the journal) runs unchanged
in a thread of its own or, in a worker, in one of many fibers of a thread. It only has to wait through here.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

#: One wait of a fiber, for whoever is to end it.
Wait: TypeAlias = object


class Loop(Protocol):
    """What lets others work in this thread while one of them waits."""

    def wait(
        self, owner: object, fileno: int, *, to_write: bool, seconds: float, is_urgent: bool = False
    ) -> bool:
        """
        Wait until a socket is ready, for at most *seconds*; whether it is.

        *owner* tells this socket from an earlier one with the same number. A wait that *is_urgent* is over
        as soon as the fiber that runs then waits or gives way.
        """

    def give_way(self) -> None:
        """Let those go on now whose urgent waits are over."""

    def sleep(self, seconds: float) -> None:
        """Wait for *seconds*."""

    def offload(self, work: Callable[[], T]) -> T:
        """Return what *work* returns or raises, run in another thread, since it may block."""

    def pause(self) -> None:
        """Wait until all others do."""

    def spawn(self, work: Callable[[], object]) -> None:
        """Have *work*, which should never raise, run in a fiber of its own."""

    def wait_for(self, seconds: float) -> Wait:
        """Begin a wait of the fiber that calls, which must `park` next; it may be woken from now on."""

    def park(self, *, late: Any = None) -> Any:
        """Let others work until the wait that was begun is over; return its value, or *late*."""

    def wake(self, wait: Any, value: Any) -> None:
        """Have the fiber of *wait* go on with *value*, unless it does already."""


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


def give_way() -> None:
    """Let those go on now who wait for something urgent, in the midst of work that takes a while."""
    loop = _own.loop
    if loop:
        loop.give_way()


def offload(work: Callable[[], T]) -> T:
    """Return what *work* returns or raises; it may block, and holds up nobody but who called."""
    loop = _own.loop
    return loop.offload(work) if loop else work()
