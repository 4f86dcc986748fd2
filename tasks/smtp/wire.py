"""Bytes to and from a server, each wait bounded by a deadline and each reply by a cap."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from tasks.smtp.readiness import Readiness, require_time
from tasks.smtp.replies import RawReply
from tasks.smtp.streams import Clear

if TYPE_CHECKING:
    import socket

    from tasks.deadline import Deadline
    from tasks.smtp.streams import Stream

#: Bytes of a reply line (RFC 5321 allows 512), lines of a reply, and bytes of a whole reply that are read.
LONGEST_LINE: Final = 8 * 1024
MOST_LINES: Final = 128
LONGEST_REPLY: Final = 64 * 1024

# A line of a reply (RFC 5321, section 4.2), and a reply that is one line, as nearly all are.
_LINE: Final = re.compile(rb"([2-5][0-9]{2})(?:([ -])([^\n]{0,8186}))?\r?\n")
_ONE_LINE: Final = re.compile(rb"([2-5][0-9]{2})(?: ([^\r\n]{0,8186}))?\r?\n")


class ProtocolError(Exception):
    """What came is no SMTP reply, or one that makes no sense at its place, which then is *last_words*."""

    def __init__(self, text: str, *, last_words: RawReply | None = None) -> None:
        super().__init__(text)
        self.last_words = last_words


class ConnectionLost(ConnectionError):
    """The server closed the connection, after *last_words* where it said 421 unasked."""

    def __init__(self, text: str, *, last_words: RawReply | None = None) -> None:
        super().__init__(text)
        self.last_words = last_words


class Wire:
    """
    A connection that speaks in lines.

    *sent* counts the bytes that the kernel has taken, so that it is known afterwards whether a final dot was
    among them. Nothing here outlasts the deadline it is given, whatever the peer does: the socket never
    blocks, and every wait for it is as long as what remains.
    """

    def __init__(self, connection: socket.socket) -> None:
        self.stream: Stream = Clear(connection)
        self.ready = Readiness(connection)
        self.sent = 0
        self._received = b""
        self._read = 0

    def send(self, data: bytes, deadline: Deadline) -> None:
        """
        Send all of *data*.

        Raises:
            OSError: the connection broke, or the deadline passed (TimeoutError).

        """
        view = memoryview(data)
        while view:
            require_time(deadline)
            count = self.stream.send(view)
            if count:
                self.sent += count
                view = view[count:]
            else:
                self.ready.to_write(deadline)

    def receive(self, deadline: Deadline, *, is_urgent: bool = False) -> RawReply:
        """
        Read one reply; one that *is_urgent* is read before others work on.

        Raises:
            ProtocolError: it is no reply, or longer than the caps.
            OSError: the connection broke, or the deadline passed (TimeoutError).

        """
        if self._read == len(self._received):
            self._fill(deadline, is_urgent=is_urgent)
        if found := _ONE_LINE.match(self._received, self._read):
            self._read = found.end()
            return RawReply(int(found[1]), (found[2] or b"",))
        return self._receive_lines(deadline)

    def has_unread(self) -> bool:
        """Whether the server has said something unasked, or closed the connection; never waits."""
        if self.is_buffered:
            return True
        if not self.ready.is_readable:
            return False
        try:
            received = self.stream.receive()
        except (OSError, ProtocolError):
            return True
        self._keep(received or b"")
        return received is not None

    def go_on_with(self, stream: Stream, received: bytes) -> None:
        """Speak through *stream* from now on, by which *received* has come already."""
        self.stream = stream
        self._received, self._read = received, 0

    @property
    def is_buffered(self) -> bool:
        """Whether bytes that were received wait to be read."""
        return self._read < len(self._received)

    def close(self) -> None:
        """Close the socket."""
        with suppress(OSError):
            self.stream.socket.close()

    def _receive_lines(self, deadline: Deadline) -> RawReply:
        """Read a reply of several lines, or one that has not come wholly yet."""
        code, mark, text = self._line(deadline)
        lines, size, kind = [text], len(text), code // 100
        while mark == b"-":
            code, mark, text = self._line(deadline)
            size += len(text)
            if code // 100 != kind:
                raise ProtocolError("The lines of the server's reply contradict each other.")
            if len(lines) >= MOST_LINES or size > LONGEST_REPLY:
                raise ProtocolError("The server's reply has no end.")
            lines.append(text)
        return RawReply(code, tuple(lines))

    def _line(self, deadline: Deadline) -> tuple[int, bytes, bytes]:
        """Read one line: its code, the mark behind it, and its text."""
        while self._received.find(b"\n", self._read) < 0:
            if len(self._received) - self._read > LONGEST_LINE:
                raise ProtocolError("The server's reply line is too long.")
            self._fill(deadline)
        found = _LINE.match(self._received, self._read)
        if not found:
            raise ProtocolError("What the server sent is no SMTP reply.")
        self._read = found.end()
        code, mark, text = found.groups(b"")
        return int(code), mark, text.removesuffix(b"\r")

    def _fill(self, deadline: Deadline, *, is_urgent: bool = False) -> None:
        """Wait for more and keep it."""
        while True:
            self.ready.to_read(deadline, is_urgent=is_urgent)
            received = self.stream.receive()
            if received:
                self._keep(received)
                return
            if received is not None:
                raise ConnectionLost("the server closed the connection")

    def _keep(self, received: bytes) -> None:
        self._received = self._received[self._read :] + received if self.is_buffered else received
        self._read = 0
