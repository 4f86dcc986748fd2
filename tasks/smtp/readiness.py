"""Waiting for a socket, never longer than a deadline."""

from __future__ import annotations

import math
import select
from typing import TYPE_CHECKING, Final

from tasks.loops import current

if TYPE_CHECKING:
    import socket

    from tasks.deadline import Deadline

_MILLISECONDS: Final = 1000
_USED_UP: Final = "the time budget is used up"


class Readiness:
    """Tells when a socket can be read from, or written to."""

    __slots__ = ("_readable", "_socket")

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._readable = select.poll()
        self._readable.register(connection, select.POLLIN)

    @property
    def is_readable(self) -> bool:
        """Whether something has come, the end of the stream included; never waits."""
        return bool(self._readable.poll(0))

    def to_read(self, deadline: Deadline) -> None:
        """
        Wait until something has come.

        Raises:
            TimeoutError: nothing came in time.

        """
        loop = current()
        if loop is None:
            _poll(self._readable, deadline)
        elif not loop.wait(self, self._socket.fileno(), to_write=False, seconds=_remaining(deadline)):
            raise TimeoutError(_USED_UP)

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
