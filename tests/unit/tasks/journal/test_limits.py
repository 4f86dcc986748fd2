"""Counting over sliding windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tasks.journal.limits import Limit, Limits

if TYPE_CHECKING:
    from redis import Redis

MINUTE = Limit("ann:minute", 1, 60.0)
DAY = Limit("ann:day", 3, 86400.0)


@pytest.fixture
def limits(redis: Redis) -> Limits:
    return Limits(redis)


def age(redis: Any, seconds: float) -> None:
    """Let *seconds* pass for everything that was counted."""
    for key in redis.keys("postroom:limit:*"):
        for name, at in redis.zrange(key, 0, -1, withscores=True):
            redis.zadd(key, {name: at - seconds * 1000})


def test_what_fits_all_limits_is_counted(limits: Limits) -> None:
    assert limits.take("1", [MINUTE, DAY]) is None


def test_the_first_full_limit_is_named_with_the_time_until_it_has_room(limits: Limits) -> None:
    limits.take("1", [MINUTE, DAY])
    full = limits.take("2", [DAY, MINUTE])

    assert full
    assert full.limit == MINUTE
    assert 59 < full.wait <= 60


def test_the_same_thing_is_counted_once(limits: Limits) -> None:
    assert [limits.take("1", [MINUTE, DAY]) for _ in range(5)] == [None] * 5


def test_what_is_refused_is_counted_nowhere(limits: Limits, redis: Redis) -> None:
    for number in range(5):
        limits.take(str(number), [MINUTE, DAY])
    age(redis, 61)

    assert limits.take("later", [MINUTE, DAY]) is None


def test_no_window_of_the_length_ever_holds_more(limits: Limits, redis: Redis) -> None:
    taken = []
    for number in range(8):
        taken.append(limits.take(str(number), [MINUTE, DAY]) is None)
        age(redis, 61)

    assert taken == [True] * 3 + [False] * 5


def test_room_comes_back_when_the_oldest_leaves_the_window(limits: Limits, redis: Redis) -> None:
    limits.take("1", [DAY])
    age(redis, 80000)
    limits.take("2", [DAY])
    limits.take("3", [DAY])
    full = limits.take("4", [DAY])

    assert full
    assert 6390 < full.wait <= 6400


def test_a_limit_that_holds_nothing_is_always_full(limits: Limits) -> None:
    full = limits.take("1", [Limit("ann", 0, 60.0)])

    assert full
    assert full.wait == 60.0


def test_names_that_differ_do_not_share_a_limit(limits: Limits) -> None:
    limits.take("1", [MINUTE])

    assert limits.take("2", [Limit("bob:minute", 1, 60.0)]) is None


def test_what_was_counted_is_forgotten_with_its_window(limits: Limits, redis: Any) -> None:
    limits.take("1", [MINUTE, DAY])

    assert 59_000 < redis.pttl("postroom:limit:ann:minute") <= 60_000
