"""Connecting to the first address that answers, without waiting for those that do not."""

from __future__ import annotations

import errno
import math
import os
import select
import socket
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.deadline import Deadline

#: A family and the address in it, as `socket.getaddrinfo` gives them.
Address: TypeAlias = tuple[socket.AddressFamily, tuple[Any, ...]]

#: Seconds that an address has for itself before the next one is tried beside it (RFC 8305, section 5).
HEAD_START: Final = 0.25

#: How many addresses of a name are tried at most, since each takes a socket until one answers.
MOST_ADDRESSES: Final = 16

_MILLISECONDS: Final = 1000


def connect_to_any(addresses: Sequence[Address], deadline: Deadline) -> socket.socket:
    """
    Return a connection to one of *addresses*, tried in the order of `alternating`.

    An address that drops everything costs its head start, not a share of the time; one that refuses costs
    nothing.

    Raises:
        OSError: none answers in time (TimeoutError), or each failed, as the last one did.

    """
    race = _Race(deadline)
    try:
        for address in alternating(addresses)[:MOST_ADDRESSES]:
            race.start(address)
            if winner := race.wait(HEAD_START):
                return winner
        return race.finish()
    finally:
        race.close()


def alternating(addresses: Sequence[Address]) -> list[Address]:
    """Return *addresses* with their families taking turns, each in its own order (RFC 8305, section 4)."""
    families: dict[socket.AddressFamily, list[Address]] = {}
    for address in addresses:
        families.setdefault(address[0], []).append(address)
    return [address for address in chain(*zip_longest(*families.values())) if address]


class _Race:
    """Connections that are being made at the same time."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._running: dict[int, socket.socket] = {}
        self._poller = select.poll()
        self._last = OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))

    def start(self, address: Address) -> None:
        """Let *address* take part."""
        try:
            connection = socket.socket(address[0], socket.SOCK_STREAM)
        except OSError as error:
            # This machine does not have the family.
            self._last = error
            return
        self._running[connection.fileno()] = connection
        self._poller.register(connection, select.POLLOUT)
        connection.setblocking(False)  # noqa: FBT003  # the socket's own signature
        error_number = connection.connect_ex(address[1])
        if error_number not in {0, errno.EINPROGRESS}:
            self._drop(connection.fileno(), error_number)

    def wait(self, seconds: float) -> socket.socket | None:
        """Return the first connection that is made; None after *seconds*, or as soon as one has failed."""
        if not self._running:
            return None
        until = self._deadline.sooner(seconds)
        for descriptor, _ in self._poller.poll(math.ceil(until.remaining * _MILLISECONDS)):
            error_number = self._running[descriptor].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if not error_number:
                return self._pick(descriptor)
            self._drop(descriptor, error_number)
        return None

    def finish(self) -> socket.socket:
        """Return the first connection that is made at all."""
        while self._running:
            if winner := self.wait(self._deadline.remaining):
                return winner
            if self._deadline.is_over:
                raise TimeoutError("no address answered in time")
        raise self._last

    def close(self) -> None:
        """Give up on those that still run."""
        for connection in self._running.values():
            connection.close()

    def _pick(self, descriptor: int) -> socket.socket:
        self._poller.unregister(descriptor)
        connection = self._running.pop(descriptor)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _drop(self, descriptor: int, error_number: int) -> None:
        self._last = OSError(error_number, os.strerror(error_number))
        self._poller.unregister(descriptor)
        self._running.pop(descriptor).close()
