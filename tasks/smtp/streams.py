"""Bytes over a socket that never blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    import socket
    import ssl

#: Bytes of a TLS record, which one write under TLS makes.
PIECE: Final = 16 * 1024

#: Bytes that one write in clear offers at most; between two the interpreter is left to other threads, and it
#: is seen whether time is left.
_MOST: Final = 256 * 1024

#: Bytes that one read takes: as many as a TLS record holds, and far fewer than would matter to the memory.
READ_SIZE: Final = 16 * 1024


class Stream(Protocol):
    """A connection as a wire sees it, in clear or under TLS. Whoever calls does the waiting."""

    socket: socket.socket

    @property
    def tls(self) -> ssl.SSLObject | None:
        """The state of TLS, None in clear."""
        ...

    def receive(self) -> bytes | None:
        """
        Return what has come, empty at the stream's end, None where nothing came that a reader could use.

        Raises:
            OSError: the connection broke.
            ProtocolError: the peer abuses TLS.

        """
        ...

    def send(self, data: memoryview) -> int:
        """
        Return how many bytes of *data* the kernel has taken; after 0 the same bytes must be offered again.

        Raises:
            OSError: the connection broke.

        """
        ...


class Clear:
    """A connection without TLS."""

    tls = None

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        connection.setblocking(False)  # noqa: FBT003  # the socket's own signature

    def receive(self) -> bytes | None:
        """Return what has come."""
        try:
            return self.socket.recv(READ_SIZE)
        except BlockingIOError:
            return None

    def send(self, data: memoryview) -> int:
        """Return how many bytes of *data* the kernel has taken."""
        try:
            return self.socket.send(data[:_MOST])
        except BlockingIOError:
            return 0
