"""An HTTP server that does with each connection what a test says: cut it, trickle, lie."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

from worker.broker import LOOPBACK

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

_BUFFER: Final = 65536


def answering(answer: bytes) -> Callable[[socket.socket, bytes], None]:
    """Give *answer* to a request, whatever it is."""
    return lambda connection, _: connection.sendall(answer)


def cutting(connection: socket.socket, _request: bytes) -> None:
    """Close the connection instead of an answer."""
    connection.shutdown(socket.SHUT_RDWR)


def trickling(connection: socket.socket, _request: bytes) -> None:
    """Answer with a byte now and then, and never to the end."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        connection.sendall(b"x")
        time.sleep(0.2)


def losing(port: int) -> Callable[[socket.socket, bytes], None]:
    """Hand the request to the server at *port*, and cut the connection once that has answered."""

    def lose(connection: socket.socket, request: bytes) -> None:
        with socket.create_connection((LOOPBACK, port)) as server:
            server.sendall(request)
            _message(server)
        cutting(connection, request)

    return lose


def passing(port: int) -> Callable[[socket.socket, bytes], None]:
    """Hand the request to the server at *port*, and its answer back."""

    def hand_on(connection: socket.socket, request: bytes) -> None:
        with socket.create_connection((LOOPBACK, port)) as server:
            server.sendall(request)
            connection.sendall(_message(server))

    return hand_on


class OddServer:
    """Does *behaviours* in turn, one for each request, the last for ever; with *tls* behind that."""

    def __init__(
        self, *behaviours: Callable[[socket.socket, bytes], None], tls: ssl.SSLContext | None = None
    ) -> None:
        self._behaviours = list(behaviours)
        self._tls = tls
        self._listener = socket.create_server((LOOPBACK, 0), backlog=64)
        self.port = int(self._listener.getsockname()[1])
        self.url = f"http://{LOOPBACK}:{self.port}"
        self.requests: list[bytes] = []
        self._closed = False

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while not self._closed:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        if self._tls:
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with suppress(OSError), connection:
            while request := _message(connection):
                self.requests.append(request)
                several = len(self._behaviours) > 1
                behave = self._behaviours.pop(0) if several else self._behaviours[0]
                behave(connection, request)


def _message(connection: socket.socket) -> bytes:
    """Return a whole request or answer, head and body; nothing when there is none any more."""
    found = b""
    while b"\r\n\r\n" not in found or len(found) < _length(found):
        piece = connection.recv(_BUFFER)
        if not piece:
            return b""
        found += piece
    return found


def _length(message: bytes) -> int:
    head, _, _ = message.partition(b"\r\n\r\n")
    sizes = [int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return len(head) + 4 + sum(sizes)
