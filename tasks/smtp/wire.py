"""Bytes to and from a server, each wait bounded by a deadline and each reply by a cap."""

from __future__ import annotations

import math
import select
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from tasks.smtp.replies import RawReply

if TYPE_CHECKING:
    import socket

    from tasks.deadline import Deadline

#: Bytes of a reply line (RFC 5321 allows 512), lines of a reply, and bytes of a whole reply that are read.
LONGEST_LINE: Final = 8 * 1024
MOST_LINES: Final = 128
LONGEST_REPLY: Final = 64 * 1024

# One TLS record: either all of a piece reaches the peer or nothing that it can decrypt, so that the count of
# sent bytes is exact for TLS too.
_PIECE: Final = 16 * 1024
_NOT_YET: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
_MILLISECONDS: Final = 1000
_LOWEST_CODE, _HIGHEST_CODE = 200, 599
_CODE_LENGTH: Final = 3


class ProtocolError(Exception):
    """What came is no SMTP reply, or a reply that makes no sense at its place."""


class ConnectionLost(ConnectionError):
    """The server closed the connection, after *last_words* where it said 421 unasked."""

    def __init__(self, text: str, *, last_words: RawReply | None = None) -> None:
        super().__init__(text)
        self.last_words = last_words


class Wire:
    """
    A connected socket that speaks in lines.

    *sent* counts the bytes that the kernel has taken, so that it is known afterwards whether a final dot was
    among them. Nothing here outlasts the deadline it is given, whatever the peer does: the socket never
    blocks, and every wait for it is as long as what remains. That also costs fewer system calls than a
    timeout of the socket's own, which is set anew, and polled for, with each call.
    """

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.sent = 0
        self._buffer = bytearray()
        connection.settimeout(0.0)

    def send(self, data: bytes, deadline: Deadline) -> None:
        """
        Send all of *data*.

        Raises:
            OSError: the connection broke, or the deadline passed (TimeoutError).

        """
        view = memoryview(data)
        while view:
            _require_time(deadline)
            try:
                count = self.socket.send(view[:_PIECE])
            except _NOT_YET as not_yet:
                self._await(not_yet, select.POLLOUT, deadline)
                continue
            self.sent += count
            view = view[count:]

    def receive(self, deadline: Deadline) -> RawReply:
        """
        Read one reply.

        Raises:
            ProtocolError: it is no reply, or longer than the caps.
            OSError: the connection broke, or the deadline passed (TimeoutError).

        """
        lines: list[bytes] = []
        size, kind = 0, 0
        while True:
            line = self._line(deadline)
            size += len(line)
            code, is_last, text = _parse(line)
            if lines and code // 100 != kind:
                raise ProtocolError("The lines of the server's reply contradict each other.")
            kind = code // 100
            lines.append(text)
            if is_last:
                return RawReply(code, tuple(lines))
            if len(lines) >= MOST_LINES or size > LONGEST_REPLY:
                raise ProtocolError("The server's reply has no end.")

    def has_unread(self) -> bool:
        """Whether the server has said something unasked, or closed the connection; never waits."""
        if self._buffer:
            return True
        try:
            self._buffer += self.socket.recv(LONGEST_LINE)
        except _NOT_YET:
            return False
        except OSError:
            return True
        return True

    @property
    def is_buffered(self) -> bool:
        """Whether bytes that were received wait to be read."""
        return bool(self._buffer)

    def replace(self, connection: socket.socket) -> None:
        """Go on over *connection*, the same one under TLS."""
        self.socket = connection
        connection.settimeout(0.0)

    def close(self) -> None:
        """Close the socket."""
        with suppress(OSError):
            self.socket.close()

    def _line(self, deadline: Deadline) -> bytes:
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > LONGEST_LINE:
                raise ProtocolError("The server's reply line is too long.")
            _require_time(deadline)
            try:
                received = self.socket.recv(LONGEST_LINE)
            except _NOT_YET as not_yet:
                self._await(not_yet, select.POLLIN, deadline)
                continue
            if not received:
                raise ConnectionLost("the server closed the connection")
            self._buffer += received
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        if len(line) > LONGEST_LINE:
            raise ProtocolError("The server's reply line is too long.")
        return line.removesuffix(b"\r")

    def _await(self, not_yet: OSError, event: int, deadline: Deadline) -> None:
        """Wait until the socket can go on; under TLS a read may have to write first, or a write to read."""
        if isinstance(not_yet, ssl.SSLWantReadError):
            event = select.POLLIN
        elif isinstance(not_yet, ssl.SSLWantWriteError):
            event = select.POLLOUT
        poller = select.poll()
        poller.register(self.socket, event)
        poller.poll(math.ceil(deadline.remaining * _MILLISECONDS))
        _require_time(deadline)


def _require_time(deadline: Deadline) -> None:
    if deadline.is_over:
        raise TimeoutError("the time budget is used up")


def _parse(line: bytes) -> tuple[int, bool, bytes]:
    digits, mark = line[:_CODE_LENGTH], line[_CODE_LENGTH : _CODE_LENGTH + 1]
    if len(digits) == _CODE_LENGTH and digits.isdigit() and mark in {b"", b" ", b"-"}:
        code = int(digits)
        if _LOWEST_CODE <= code <= _HIGHEST_CODE:
            return code, mark != b"-", line[_CODE_LENGTH + 1 :]
    raise ProtocolError("What the server sent is no SMTP reply.")
