"""What was set aside is put back by an operator, over a real queue."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from pydantic import SecretStr
from redis import Redis

from producers.errors import EntryNotFound, NotRequeued, QueueUnavailable
from producers.quarantine import QuarantineRoom
from tasks.journal.quarantine import Quarantine, QuarantineLimits
from tasks.journal.sealing import generate_key, seal_with


def test_an_entry_that_is_put_back_is_sent_in_the_end(post: Any) -> None:
    mail_id = str(uuid.uuid4())
    post.app.send_task(
        "send_email",
        kwargs={"to": "requeued@example.org", "subject": "s", "body": "b"},
        task_id=mail_id,
        queue="aside",
    )
    with Redis.from_url(post.url) as redis:
        raw = redis.rpop("aside")
        assert isinstance(raw, bytes)
        entry_id, _ = Quarantine(redis).put(raw, lane="default", reason="a worker of old")
    with QuarantineRoom(post.url, journal_url=post.url) as room:
        requeued = room.requeue(entry_id)

        assert requeued.facts.mail_id == mail_id
        assert post.app.AsyncResult(mail_id).get(timeout=20)["success"]
        with pytest.raises(EntryNotFound):
            room.entry(entry_id)


def test_what_is_dropped_is_gone(place: str, redis: Redis) -> None:
    entry_id, _ = Quarantine(redis).put(b"7", lane="default", reason="r")
    with QuarantineRoom(place, journal_url=place) as room:
        assert [entry.entry_id for entry in room.entries()] == [entry_id]
        room.drop(entry_id)

        assert room.entries() == []
        with pytest.raises(EntryNotFound):
            room.drop(entry_id)


def test_a_sealed_entry_needs_its_key(place: str, redis: Redis) -> None:
    key = SecretStr(generate_key())
    entry_id, _ = Quarantine(redis, seal=seal_with([key])).put(b"7", lane="aside", reason="r")
    with QuarantineRoom(place, journal_url=place) as room, pytest.raises(NotRequeued):
        room.requeue(entry_id)
    with QuarantineRoom(place, journal_url=place, sealing_keys=[key]) as room:
        room.requeue(entry_id)

    assert redis.lrange("aside", 0, -1) == [b"7"]


def test_what_was_not_kept_stays_where_it_is(place: str, redis: Redis) -> None:
    small = Quarantine(redis, limits=QuarantineLimits(total_bytes=10))
    entry_id, _ = small.put(json.dumps("x" * 10).encode(), lane="aside", reason="r")
    with QuarantineRoom(place, journal_url=place) as room:
        with pytest.raises(NotRequeued, match="too large"):
            room.requeue(entry_id)

        assert room.entry(entry_id).is_kept is False


def test_another_broker_than_redis_takes_nothing_back(place: str, redis: Redis) -> None:
    entry_id, _ = Quarantine(redis).put(b"7", lane="default", reason="r")
    with QuarantineRoom("memory://", journal_url=place) as room:
        with pytest.raises(NotRequeued, match="in Redis only"):
            room.requeue(entry_id)

        assert room.entry(entry_id)


def test_without_a_server_it_says_so_in_time(place: str, redis: Redis) -> None:
    entry_id, _ = Quarantine(redis).put(b"7", lane="default", reason="r")
    with QuarantineRoom("redis://127.0.0.1:1", journal_url=place) as room:
        with pytest.raises(QueueUnavailable):
            room.requeue(entry_id)

        assert room.entry(entry_id)
    with (
        QuarantineRoom(place, journal_url="redis://127.0.0.1:1") as room,
        pytest.raises(QueueUnavailable),
    ):
        room.entries()
