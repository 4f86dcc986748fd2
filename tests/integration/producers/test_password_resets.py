"""Asking for password resets, over a real broker: what is stored, what is counted, what nobody can read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from redis import Redis

from producers.errors import IdempotencyConflict, TooManyResets
from producers.password_reset.limits import ResetLimits
from producers.password_reset.resets import Resets
from tasks.contract.errors import InvalidInput
from tasks.journal.sealing import generate_key

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def redis(valkey: str) -> Iterator[Redis]:
    with Redis.from_url(valkey) as client:
        client.flushall()
        yield client


@pytest.fixture
def resets(valkey: str, redis: Redis) -> Iterator[Resets]:
    del redis
    with Resets(valkey) as made:
        yield made


def queued(redis: Any) -> list[dict[str, Any]]:
    """What waits in the lane of resets, oldest first."""
    messages = [json.loads(entry) for entry in reversed(redis.lrange("reset", 0, -1))]
    return [json.loads(message["body"])[1] for message in messages]


def test_a_reset_waits_in_its_lane_and_names_the_user_only(resets: Resets, redis: Redis) -> None:
    mail_id = resets.for_user("ann", actor="ben", ticket="T-1", ttl=600)
    [parameters] = queued(redis)

    assert parameters["password_reset"]["user"] == "ann"
    assert parameters["password_reset"]["ttl"] == 600
    assert redis.hget(f"postroom:mail:{mail_id}", "state") == b"queued"


@pytest.mark.parametrize(
    ("first", "second", "is_same"),
    [
        ({"ticket": "T-1"}, {"ticket": "T-1", "actor": "eve", "reason": "again"}, True),
        ({"ticket": "T-1"}, {"ticket": "T-2"}, False),
        ({}, {"reason": "impatient"}, True),
        ({}, {"actor": "eve"}, False),
        ({}, {"idempotency_key": "k"}, False),
    ],
    ids=["ticket", "other ticket", "window", "other actor", "key"],
)
def test_the_same_request_is_one_reset(
    first: dict[str, str],
    second: dict[str, str],
    is_same: bool,  # noqa: FBT001
    resets: Resets,
    redis: Redis,
) -> None:
    ids = [resets.for_user("ann", **{"actor": "ben", **options}) for options in (first, second)]

    assert (ids[0] == ids[1]) is is_same
    assert len(queued(redis)) == len(set(ids)) == len(resets.audit(target="ann"))


def test_a_ticket_is_not_used_for_another_kind_of_mail(resets: Resets) -> None:
    resets.for_user("ann", actor="ben", ticket="T-1")

    with pytest.raises(IdempotencyConflict):
        resets.for_user("ann", actor="ben", ticket="T-1", ttl=60)


def test_the_staff_are_told_when_a_limit_is_reached_and_repeats_count_once(valkey: str, redis: Redis) -> None:
    with Resets(valkey, limits=ResetLimits(per_target=2)) as resets:
        for ticket in ("T-1", "T-1", "T-1", "T-2"):
            resets.for_user("ann", actor="ben", ticket=ticket)
        with pytest.raises(TooManyResets, match="for this user; try again in 3600 s"):
            resets.for_user("ann", actor="eve", ticket="T-3")

    assert len(queued(redis)) == 2


def test_the_record_is_kept_for_as_long_as_the_operator_says(valkey: str, redis: Redis) -> None:
    with Resets(valkey, audit_retention=3600.0) as resets:
        mail_id = resets.for_user("ann", actor="ben", ticket="T-1")

    assert 3500 < redis.ttl(f"postroom:audit:{mail_id}") <= 3600
    assert 3500 < redis.ttl("postroom:audited:all") <= 3600


def test_a_public_request_always_waits_and_says_whether_the_worker_is_to_drop_it(
    resets: Resets, redis: Redis
) -> None:
    ids = {resets.for_requester(name, source="10.0.0.1") for name in ("Ann@x.org", "ann@X.org", "nobody")}
    waiting = [parameters["password_reset"] for parameters in queued(redis)]

    assert len(ids) == 3
    assert [reset.get("is_throttled", False) for reset in waiting].count(True) == 1
    assert "10.0.0.1" not in json.dumps(waiting)


def test_a_source_that_asks_too_often_is_dropped_whomever_it_asks_for(valkey: str, redis: Redis) -> None:
    with Resets(valkey, limits=ResetLimits(per_source=2)) as resets:
        for name in ("a", "b", "c"):
            resets.for_requester(name, source="10.0.0.1")
        resets.for_requester("d", source="10.0.0.2")
    dropped = [bool(parameters["password_reset"].get("is_throttled")) for parameters in queued(redis)]

    assert dropped == [False, False, True, False]


def test_with_a_key_nobody_who_reads_redis_learns_anything(valkey: str, redis: Any) -> None:
    with Resets(valkey, sealing_keys=[generate_key()]) as resets:
        resets.for_user("canary-user", actor="canary-actor", reason="canary-why", ticket="canary-ticket")
        resets.for_requester("canary@example.org", source="canary-source")
        found = resets.audit(actor="canary-actor")
    everything = b"".join(redis.dump(key) + key for key in redis.scan_iter())

    assert b"canary" not in everything
    assert b"canary" not in redis.lindex("reset", 0)
    assert [record.asked.ticket for record in found] == ["canary-ticket"]


def test_a_change_that_was_made_is_told(resets: Resets, redis: Redis) -> None:
    resets.completed("ann", locale="de")

    assert queued(redis) == [{"password_reset": {"workflow": "completed", "user": "ann", "locale": "de"}}]


@pytest.mark.parametrize("user", ["", " ", "a\nb", "x" * 400])
def test_what_is_no_identifier_is_refused_and_not_counted(user: str, resets: Resets, redis: Redis) -> None:
    with pytest.raises(InvalidInput):
        resets.for_requester(user, source="10.0.0.1")
    with pytest.raises(InvalidInput):
        resets.for_user(user, actor="ben")

    assert list(redis.scan_iter()) == []
