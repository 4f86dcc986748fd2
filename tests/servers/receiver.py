"""A receiver of webhooks: real sockets, with TLS or without, and every bad habit that receivers have."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Iterator

LOOPBACK: Final = "127.0.0.1"
#: Seconds for which those that hang do so, unless their peer goes away before.
_HANG: Final = 60.0


@dataclass(frozen=True)
class Posted:
    """What was posted."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Receiver:
    """Notes every post, and then does what its path says: /200, /hang, /drip and so on."""

    url: str = ""
    posted: list[Posted] = field(default_factory=list)
    #: What a path does instead of what it says.
    instead: dict[str, str] = field(default_factory=dict)
    #: Called with each post, before it is answered.
    on_post: Callable[[Posted], object] = field(default=lambda _: None)
    stopped: threading.Event = field(default_factory=threading.Event)

    def at(self, path: str) -> list[Posted]:
        return [each for each in self.posted if each.path == path]

    def wait_for(self, count: int, *, path: str = "/200", within: float = 20.0) -> list[Posted]:
        """Return what was posted to *path* once it is *count*, or fail."""
        deadline = time.monotonic() + within
        while len(self.at(path)) < count:
            assert time.monotonic() < deadline, f"{len(self.at(path))} of {count} after {within:g} s"
            time.sleep(0.02)
        return self.at(path)


def told(posted: Iterable[Posted]) -> Counter[str]:
    """Return how often each mail was told."""
    return Counter(json.loads(each.body)["data"]["id"] for each in posted)


def is_signed(posted: Posted, secret: str) -> bool:
    """Whether one of the signatures is that of *secret*, computed as a receiver does."""
    signed = f"{posted.id}.{posted.headers['webhook-timestamp']}.".encode() + posted.body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return f"v1,{expected}" in posted.headers["webhook-signature"].split(" ")


class _Handler(BaseHTTPRequestHandler):
    receiver: Receiver
    protocol_version = "HTTP/1.1"
    server_version = "Receiver"

    def do_POST(self) -> None:
        length = int(self.headers["content-length"])
        body = self.rfile.read(length)
        if len(body) < length:
            # Whoever posted it died amid the body.
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        posted = Posted(self.path, headers, body)
        self.receiver.posted.append(posted)
        self.receiver.on_post(posted)
        habit = self.receiver.instead.get(self.path, self.path).strip("/")
        with suppress(OSError):
            self._answer(habit)
        self.close_connection = True

    def _answer(self, habit: str) -> None:
        if habit == "hang":
            self.receiver.stopped.wait(_HANG)
        elif habit == "drip":
            self._drip(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + b"X-Slow: 1\r\n" * 1000)
        elif habit == "drip-body":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            self._drip(b"x" * 1000)
        elif habit == "close":
            return
        elif habit == "garbage":
            self.wfile.write(b"220 mail.example ESMTP\r\n")
        elif habit == "redirect":
            self._send(302, b"", {"Location": f"{self.receiver.url}/200"})
        elif habit == "endless":
            self.wfile.write(b"HTTP/1.1 500 No\r\nConnection: close\r\n\r\n")
            while not self.receiver.stopped.is_set():
                self.wfile.write(b"canary " * 10_000)
        elif habit == "later":
            self._send(503, b"not now", {"Retry-After": "40"})
        else:
            self._send(int(habit.partition("?")[0]), b"thanks\x00\n<b>", {})

    def _drip(self, what: bytes) -> None:
        for each in what:
            self.wfile.write(bytes([each]))
            if self.receiver.stopped.wait(0.1):
                return

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 200

    def handle_error(self, *_: object) -> None:
        """Say nothing of peers that went away."""


@contextmanager
def receiving(
    *, tls: ssl.SSLContext | None = None, port: int = 0, host: str = LOOPBACK
) -> Iterator[Receiver]:
    """Run a receiver; its address names *host*."""
    receiver = Receiver()
    handler = type("Handler", (_Handler,), {"receiver": receiver})
    server = _Server((LOOPBACK, port), handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    receiver.url = f"{'https' if tls else 'http'}://{host}:{server.server_address[1]}"
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.05), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.stopped.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
