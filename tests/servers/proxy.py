"""A TCP proxy on loopback that can fall silent, take its time, and cut what it passes on into slices."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import Final, Self

from worker.broker import LOOPBACK

_BUFFER: Final = 65536


class Proxy:
    """
    Passes connections on to *port*.

    *latency* is how many seconds each piece takes in each direction; with *slices* it arrives in pieces of so
    many bytes. While it is silent the connections stand, new ones are taken, and nothing comes through: what
    the death of a machine, or a firewall that forgets, looks like. Those connections stay dead afterwards.
    """

    def __init__(self, port: int, *, latency: float = 0.0, slices: int = _BUFFER) -> None:
        self._port = port
        self._latency = latency
        self._slices = slices
        self._silence = threading.Event()
        self._closed = False
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server((LOOPBACK, 0), backlog=128)
        self.url = f"redis://{LOOPBACK}:{self._listener.getsockname()[1]}/0"

    def fall_silent(self) -> None:
        """Let nothing through from now on, without closing anything."""
        self._silence.set()
        self._silence = threading.Event()
        self._silence.set()

    def recover(self) -> None:
        """Serve new connections; those of the silence stay dead."""
        self._silence = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        for each in (self._listener, *self._sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while not self._closed:
                client, _ = self._listener.accept()
                self._sockets.append(client)
                with suppress(OSError):
                    self._join(client)

    def _join(self, client: socket.socket) -> None:
        server = socket.create_connection((LOOPBACK, self._port))
        self._sockets.append(server)
        silence = self._silence
        for source, target in ((client, server), (server, client)):
            source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._pump, args=(source, target, silence), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, silence: threading.Event) -> None:
        with suppress(OSError):
            while piece := source.recv(_BUFFER):
                if silence.is_set():
                    return
                time.sleep(self._latency)
                for start in range(0, len(piece), self._slices):
                    target.sendall(piece[start : start + self._slices])
        if not silence.is_set():
            with suppress(OSError):
                target.shutdown(socket.SHUT_WR)
