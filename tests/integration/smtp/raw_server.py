"""A server that speaks no SMTP but what a test says, byte by byte."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from tasks.smtp.trust import ServerTrust

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.smtp.conftest import Desk

ANY = ServerTrust(verify=False)
LARGE = (b"x" * 70 + b"\r\n") * 2000
HELLO = b"250-hostile.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
RESET = struct.pack("ii", 1, 0)


class RawServer:
    """Runs *behave* for each connection, with the socket and a file to read lines from."""

    def __init__(self, behave: Callable[[socket.socket, Lines], None]) -> None:
        self._behave = behave
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        self.connections = 0
        self.host, self.port = self._listener.getsockname()

    def __enter__(self) -> Self:
        self._spawn(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        for connection in self._open:
            connection.close()
        for thread in self._threads:
            thread.join(5)
        self._listener.close()

    def _spawn(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                connection.settimeout(5)
                self.connections += 1
                self._open.append(connection)
                self._spawn(self._speak, connection)

    def _speak(self, connection: socket.socket) -> None:
        with suppress(OSError, EOFError):
            self._behave(connection, Lines(connection))
        connection.close()


class Lines:
    """The client's lines."""

    def __init__(self, connection: socket.socket) -> None:
        self._file = connection.makefile("rb")

    def one(self) -> bytes:
        if not (line := self._file.readline()):
            raise EOFError
        return line

    def until(self, last: bytes) -> None:
        while not self.one().upper().startswith(last):
            pass


def greet(connection: socket.socket, lines: Lines) -> None:
    connection.sendall(b"220 hostile.example\r\n")
    lines.until(b"EHLO")
    connection.sendall(HELLO)


def send_one(desk: Desk, behave: Callable[[socket.socket, Lines], None], **details: object) -> object:
    """Return the answer of a mail to a server that greets well and then behaves so."""

    def session(connection: socket.socket, lines: Lines) -> None:
        greet(connection, lines)
        behave(connection, lines)

    with RawServer(session) as server:
        return desk.send(server, desk.mail(**details))[0]
