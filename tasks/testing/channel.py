"""The scripted server's end of one connection."""

from __future__ import annotations

import socket
import struct
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import ssl
    import threading

_TICK: Final = 0.01
_CHUNK: Final = 64 * 1024
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


class Gone(Exception):
    """The connection is over, or the server is being closed."""


class Channel:
    """Lines from the client and bytes to it; every wait ends when the server is closed."""

    def __init__(self, connection: socket.socket, stopping: threading.Event) -> None:
        self._socket = connection
        self._stopping = stopping
        self._buffer = bytearray()
        self.is_secured = False
        connection.settimeout(_TICK)

    def line(self) -> bytes:
        """Return the next line without its end."""
        while (end := self._buffer.find(b"\n")) < 0:
            self._buffer += self.receive()
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line.removesuffix(b"\r")

    def receive(self) -> bytes:
        """Return what comes next."""
        while not self._stopping.is_set():
            try:
                data = self._socket.recv(_CHUNK)
            except TimeoutError:
                continue
            except OSError as error:
                raise Gone from error
            if not data:
                break
            return data
        raise Gone

    def has_more(self) -> bool:
        """Whether the client has sent more than what was read."""
        return bool(self._buffer)

    def send(self, data: bytes, *, every: float = 0.0) -> None:
        """Send *data*, byte by byte where *every* is a number of seconds."""
        step = 1 if every else len(data)
        for start in range(0, len(data), step or 1):
            self._send_all(data[start : start + step])
            self.wait(every)

    def wait(self, seconds: float) -> None:
        """Let *seconds* pass."""
        end = time.monotonic() + seconds
        while (rest := end - time.monotonic()) > 0:
            if self._stopping.wait(min(rest, 1.0)):
                raise Gone

    def secure(self, context: ssl.SSLContext) -> None:
        """Do the server's side of a TLS handshake; what was read in clear is forgotten."""
        self._buffer.clear()
        try:
            self._socket.settimeout(10.0)
            self._socket = context.wrap_socket(self._socket, server_side=True)
            self._socket.settimeout(_TICK)
        except OSError as error:
            raise Gone from error
        self.is_secured = True

    def drop(self) -> None:
        """Close the connection."""
        self.close()
        raise Gone

    def reset(self) -> None:
        """Close the connection with a TCP reset."""
        with suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.drop()

    def close(self) -> None:
        """Close the socket."""
        with suppress(OSError):
            self._socket.close()

    def _send_all(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            if self._stopping.is_set():
                raise Gone
            try:
                view = view[self._socket.send(view) :]
            except TimeoutError:
                continue
            except OSError as error:
                raise Gone from error
