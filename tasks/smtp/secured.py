"""A connection under TLS."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final

from tasks.smtp.streams import PIECE, READ_SIZE
from tasks.smtp.wire import ProtocolError

if TYPE_CHECKING:
    import socket

    from tasks.deadline import Deadline
    from tasks.smtp.readiness import Readiness

#: Bytes of handshake, tickets and key updates that may come without any content between them. A chain of
#: certificates has at most 100 KiB (OpenSSL's own limit).
MOST_CONTROL: Final = 256 * 1024


class Secured:
    """
    TLS over a socket, with the records passing through this program's memory.

    An `ssl.SSLSocket` works through every control message that has come before it returns, so that a peer
    that floods it (session tickets, key updates, renegotiation) keeps it beyond any deadline. Here each step
    handles what one read took from the socket, and what brings no content is counted.
    """

    def __init__(
        self,
        connection: socket.socket,
        context: ssl.SSLContext,
        *,
        server_hostname: str,
        session: ssl.SSLSession | None = None,
    ) -> None:
        self.socket = connection
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(
            self._incoming, self._outgoing, server_hostname=server_hostname, session=session
        )
        self._records = b""
        self._under_way = 0
        self._control = 0
        #: Content that came in the same read as the end of the handshake.
        self.early = b""

    def shake_hands(self, ready: Readiness, deadline: Deadline) -> None:
        """
        Do the handshake.

        Raises:
            OSError: it failed, the connection broke, or the deadline passed (TimeoutError).
            ProtocolError: the peer goes on and on.

        """
        while not self._advance():
            while not self._flush():
                ready.to_write(deadline)
            ready.to_read(deadline)
            if self._take() == b"":
                raise ConnectionAbortedError("the peer closed the connection")
        while not self._flush():
            ready.to_write(deadline)
        # No socket will say again that this is there.
        early = self._content()
        if early == b"":
            raise ConnectionAbortedError("the peer closed the connection")
        self.early = early or b""

    def receive(self) -> bytes | None:
        """Return the content of the records that one read from the socket completed."""
        taken = self._take()
        if not taken:
            return taken
        content = self._content()
        if content:
            self._control = 0
        else:
            # What TLS itself has to answer goes along with the next content otherwise.
            self._flush()
        return content

    def send(self, data: memoryview) -> int:
        """Return the size of the record that the kernel has taken in whole."""
        if not self._flush():
            return 0
        if not self._under_way:
            # One record: the peer can read all of it or nothing, so that what counts as sent is exact.
            self._under_way = self.tls.write(data[:PIECE])
            if not self._flush():
                return 0
        sent, self._under_way = self._under_way, 0
        return sent

    def _advance(self) -> bool:
        """Go one step on in the handshake; whether it is done."""
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except OSError:
            # The peer is told why, if it still listens.
            self._flush()
            raise
        return True

    def _take(self) -> bytes | None:
        """Read from the socket once; the end of the stream is empty, None that nothing was there."""
        try:
            taken = self.socket.recv(READ_SIZE)
        except BlockingIOError:
            return None
        self._control += len(taken)
        if self._control > MOST_CONTROL:
            raise ProtocolError("The server goes on with TLS and never comes to its reply.")
        self._incoming.write(taken)
        return taken

    def _content(self) -> bytes | None:
        """Return what the records that are whole hold, empty after the peer's leave, None for nothing."""
        pieces: list[bytes] = []
        try:
            while piece := self.tls.read(READ_SIZE):
                pieces.append(piece)
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError) as end:
            if not pieces:
                return b"" if isinstance(end, ssl.SSLZeroReturnError) else None
        return b"".join(pieces)

    def _flush(self) -> bool:
        """Hand finished records to the kernel; whether it took all."""
        if self._outgoing.pending:
            self._records += self._outgoing.read()
        if self._records:
            try:
                count = self.socket.send(self._records)
            except BlockingIOError:
                return False
            self._records = self._records[count:]
        return not self._records
