"""Waiting for a socket, never longer than a deadline."""

from __future__ import annotations

import math
import select
from time import monotonic
from typing import TYPE_CHECKING, Final

from tasks.loops import current

if TYPE_CHECKING:
    import socket

    from tasks.deadline import Deadline

_MILLISECONDS: Final = 1000
#: Milliseconds, the fewest that a poll can wait; seconds within which a server nearby answers, and which one
#: far away needs at least; and how many waits at most pass until it is tried again whether one answers so.
_SHORTEST: Final = 1
_AT_ONCE: Final = 0.00025
_FAR: Final = 0.002
_MOST_SKIPPED: Final = 63
_USED_UP: Final = "the time budget is used up"


class Readiness:
    """Tells when a socket can be read from, or written to."""

    __slots__ = ("_failures", "_quickest", "_readable", "_skipped", "_socket")

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._readable = select.poll()
        self._readable.register(connection, select.POLLIN)
        self._failures = 0
        self._skipped = 0
        #: Seconds that the quickest reply took while a thread waited for nothing else, as at the greeting.
        self._quickest = 0.0

    @property
    def is_readable(self) -> bool:
        """Whether something has come, the end of the stream included; never waits."""
        return bool(self._readable.poll(0))

    def to_read(self, deadline: Deadline, *, is_urgent: bool = False) -> None:
        """
        Wait until something has come; what *is_urgent* goes before the work of others.

        Raises:
            TimeoutError: nothing came in time.

        """
        loop = current()
        if loop is None:
            self._poll_alone(deadline)
        elif is_urgent and self._comes_at_once():
            return
        elif not loop.wait(
            self,
            self._socket.fileno(),
            to_write=False,
            seconds=_remaining(deadline),
            is_urgent=is_urgent,
        ):
            raise TimeoutError(_USED_UP)

    def _poll_alone(self, deadline: Deadline) -> None:
        began = monotonic()
        _poll(self._readable, deadline)
        took = monotonic() - began
        self._quickest = min(took, self._quickest or took)

    def _comes_at_once(self) -> bool:
        """
        Wait for what a server nearby says within less time than it takes to see to anybody else.

        Where it takes longer, that is tried again after ever more waits; of a server that is known to be far
        away it is not expected.
        """
        if self._quickest > _FAR:
            return False
        if self._skipped < self._failures:
            self._skipped += 1
            return False
        began = monotonic()
        has_come = bool(self._readable.poll(_SHORTEST))
        is_soon = has_come and monotonic() - began < _AT_ONCE
        self._skipped = 0
        self._failures = 0 if is_soon else min(2 * self._failures + 1, _MOST_SKIPPED)
        return has_come

    def to_write(self, deadline: Deadline) -> None:
        """
        Wait until the kernel takes more.

        Raises:
            TimeoutError: it took nothing in time.

        """
        loop = current()
        if loop is None:
            writable = select.poll()
            writable.register(self._socket, select.POLLOUT)
            _poll(writable, deadline)
        elif not loop.wait(self, self._socket.fileno(), to_write=True, seconds=_remaining(deadline)):
            raise TimeoutError(_USED_UP)


def require_time(deadline: Deadline) -> None:
    """
    Let nothing begin after the deadline.

    Raises:
        TimeoutError: it has passed.

    """
    _remaining(deadline)


def _remaining(deadline: Deadline) -> float:
    remaining = deadline.remaining
    if remaining <= 0:
        raise TimeoutError(_USED_UP)
    return remaining


def _poll(poller: select.poll, deadline: Deadline) -> None:
    if not poller.poll(math.ceil(_remaining(deadline) * _MILLISECONDS)):
        raise TimeoutError(_USED_UP)
