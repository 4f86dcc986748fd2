"""What is no message goes into quarantine; when that is away, nothing is lost and nothing runs hot."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from redis.exceptions import ConnectionError as RedisAway

from worker.sieve import Sieve

SOUND = b'{"body": "W10=", "properties": {"delivery_tag": "t"}}'


@dataclass
class Room:
    """A quarantine made of a list, which may be away or full."""

    put_aside: list[tuple[bytes, str, str]] = field(default_factory=list)
    is_away: bool = False
    gone: int = 0

    def put(self, raw: bytes, *, lane: str, reason: str) -> tuple[str, int]:
        if self.is_away:
            raise RedisAway
        self.put_aside.append((raw, lane, reason))
        return "id", self.gone


def sieve(room: Room, pauses: list[float] | None = None) -> Sieve:
    return Sieve(cast("Any", room), sleep=(pauses if pauses is not None else []).append)


def test_a_message_passes() -> None:
    room = Room()
    payload = sieve(room).sift(SOUND, lane="bulk")

    assert payload is not None
    assert payload["body"] == "W10="
    assert room.put_aside == []


def test_anything_else_is_set_aside_and_logged_without_what_it_says(caplog: pytest.LogCaptureFixture) -> None:
    room = Room(gone=2)

    assert sieve(room).sift(b"canary", lane="bulk") is None
    assert room.put_aside == [(b"canary", "bulk", "is not JSON")]
    facts = [vars(record) for record in caplog.records]
    assert [(fact["msg"], fact["levelno"]) for fact in facts] == [
        ("queue entry quarantined", logging.ERROR),
        ("quarantine is full, oldest entries dropped", logging.WARNING),
    ]
    assert (facts[0]["entry"], facts[0]["lane"], facts[0]["size"]) == ("id", "bulk", 6)
    assert "canary" not in str(facts)


def test_while_the_quarantine_is_away_it_waits_and_says_so() -> None:
    pauses: list[float] = []

    with pytest.raises(RedisAway):
        sieve(Room(is_away=True), pauses).sift(b"7", lane="bulk")
    assert pauses == [1.0]
