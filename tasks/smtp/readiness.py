"""Waiting for a socket, never longer than a deadline."""

from __future__ import annotations

import math
import select
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import socket

    from tasks.deadline import Deadline

_MILLISECONDS: Final = 1000


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
        _poll(self._readable, deadline)

    def to_write(self, deadline: Deadline) -> None:
        """
        Wait until the kernel takes more.

        Raises:
            TimeoutError: it took nothing in time.

        """
        writable = select.poll()
        writable.register(self._socket, select.POLLOUT)
        _poll(writable, deadline)


def require_time(deadline: Deadline) -> None:
    """
    Let nothing begin after the deadline.

    Raises:
        TimeoutError: it has passed.

    """
    if deadline.remaining <= 0:
        raise TimeoutError("the time budget is used up")


def _poll(poller: select.poll, deadline: Deadline) -> None:
    remaining = deadline.remaining
    if remaining <= 0 or not poller.poll(math.ceil(remaining * _MILLISECONDS)):
        raise TimeoutError("the time budget is used up")
