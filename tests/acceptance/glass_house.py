"""A broker and a Flower that can be looked through, whole, for what must not be found there."""

from __future__ import annotations

import base64
import socket
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import redis
from celery import Celery

from worker.broker import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

LOGIN = "ada:correct-horse-battery"
FLOWER = ("celery", "-A", "worker.app", "flower", "--conf=worker/flowerconfig.py")


@dataclass
class Broker:
    """A Valkey whose every key, file and command can be read."""

    port: int
    data: Path
    commands: bytearray = field(default_factory=bytearray)

    @property
    def url(self) -> str:
        return f"redis://{LOOPBACK}:{self.port}/0"

    def listen(self) -> None:
        """Keep all commands from now on."""
        line = socket.create_connection((LOOPBACK, self.port))
        line.sendall(b"MONITOR\r\n")

        def read() -> None:
            with line:
                while received := line.recv(65536):
                    self.commands += received

        threading.Thread(target=read, daemon=True).start()

    def everything(self) -> bytes:
        """Return the names and values of all keys, and what the server has written to its disk."""
        with redis.Redis.from_url(self.url) as client:
            client.config_set("rdbcompression", "no")
            values = [repr(value) for key in client.scan_iter() for value in (key, _value(client, key))]
            client.save()
        files = [file.read_bytes() for file in self.data.rglob("*") if file.is_file()]
        return b"\n".join(["\n".join(values).encode(), *files])


def _value(client: redis.Redis, key: bytes) -> Any:
    read: dict[bytes, Callable[[], Any]] = {
        b"string": lambda: client.get(key),
        b"hash": lambda: client.hgetall(key),
        b"list": lambda: client.lrange(key, 0, -1),
        b"set": lambda: client.smembers(key),
        b"zset": lambda: client.zrange(key, 0, -1, withscores=True),
        b"none": lambda: None,
    }
    return read[client.type(key)]()


def ask_flower(port: int, path: str) -> bytes:
    """Return a page of Flower's."""
    login = base64.b64encode(LOGIN.encode()).decode()
    request = Request(f"http://{LOOPBACK}:{port}{path}", headers={"Authorization": f"Basic {login}"})
    with urlopen(request, timeout=10) as answer:  # noqa: S310 (loopback)
        return bytes(answer.read())


def flower_is_up(port: int) -> bool:
    """Whether Flower answers."""
    try:
        return bool(ask_flower(port, "/healthcheck"))
    except OSError:
        return False


def inspections(broker: Broker, worker: str, ids: Iterable[str]) -> bytes:
    """Return everything that a worker tells of itself."""
    with Celery("operator", broker=broker.url, set_as_current=False) as app:
        inspect = app.control.inspect([worker], timeout=0.5)
        found = [
            inspect.active(),
            inspect.reserved(),
            inspect.scheduled(),
            inspect.revoked(),
            inspect.stats(),
        ]
        found.append(inspect.query_task(*ids))
    return repr(found).encode()


def flower_pages(port: int, worker: str, ids: Iterable[str]) -> dict[str, bytes]:
    """Return every page of Flower's, and those of the mails *ids*."""
    pages = ["/workers", f"/worker/{worker}", "/tasks", "/broker", "/api/tasks", "/api/queues/length"]
    pages += ["/api/workers?refresh=true", "/metrics"]
    pages += [f"{page}/{mail_id}" for mail_id in ids for page in ("/task", "/api/task/info")]
    return {f"Flower {page}": ask_flower(port, page) for page in pages}
