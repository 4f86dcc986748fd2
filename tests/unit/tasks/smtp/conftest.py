"""A clock to turn by hand, a socket that says what a test wants, a route to nowhere."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import pytest

from tasks.contract.security import Security
from tasks.smtp.route import Route
from tasks.smtp.trust import ServerTrust

# The kernel says of it at any time that it can be read and written.
ALWAYS_READY = os.open(os.devnull, os.O_RDWR)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class ScriptedSocket:
    """Gives *pieces* one after the other, then the end of the stream; keeps what is sent."""

    pieces: list[bytes]
    sent: bytearray = field(default_factory=bytearray)
    most_per_send: int = 2**20
    is_closed: bool = False

    def setblocking(self, flag: bool) -> None:  # noqa: FBT001  # as a socket has it
        assert not flag

    def fileno(self) -> int:
        return ALWAYS_READY

    def recv(self, size: int) -> bytes:
        if not self.pieces:
            return b""
        piece = self.pieces.pop(0)
        if len(piece) > size:
            self.pieces.insert(0, piece[size:])
        return piece[:size]

    def send(self, data: bytes) -> int:
        taken = bytes(data[: self.most_per_send])
        self.sent += taken
        return len(taken)

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def route() -> Route:
    return make_route()


def make_route(**details: Any) -> Route:
    values: dict[str, Any] = {
        "account": "default",
        "host": "smtp.example.com",
        "port": 587,
        "security": Security.STARTTLS,
        "trust": ServerTrust(),
        "login": None,
        "local_hostname": "client.example.com",
    }
    return Route(**(values | details))
