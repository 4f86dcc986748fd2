"""The sweeper and mails that wait in long queues: looked at once, and missed when they are lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tasks.contract.names import Lane
from tasks.journal.entries import Entry
from tasks.journal.records import Claim
from tests.unit.tasks.journal.sweeps import ALL_EMPTY, accept, age, strays

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from tasks.journal.journal import Journal


def test_mails_that_wait_in_a_long_queue_are_not_published_again(redis: Redis, journal: Journal) -> None:
    accept(journal, *(f"m{i}" for i in range(7)))
    for i in range(7):
        age(redis, f"m{i}", 3_600_000)

    assert strays(redis, empty=(), patience=30.0) == []


def test_a_mail_that_newer_ones_have_overtaken_is_published_again(redis: Redis, journal: Journal) -> None:
    accept(journal, "lost", "newer")
    age(redis, "lost", 31_000)
    journal.begin(["newer"])

    assert strays(redis, empty=(), patience=30.0) == ["lost"]


def test_a_lost_message_is_missed_when_patience_is_over_however_often_was_looked_before(
    redis: Redis, journal_with: Callable[..., Journal]
) -> None:
    accept(journal_with(lease=15.0, patience=30.0), "m")
    age(redis, "m", 16_000)
    before = strays(redis, patience=30.0)
    age(redis, "m", 13_000)
    shortly_before = strays(redis, patience=30.0)
    age(redis, "m", 2_000)

    assert before == shortly_before == []
    assert strays(redis, patience=30.0) == ["m"]


def test_mails_that_merely_wait_are_looked_at_once_however_long_and_however_many(
    redis: Redis, journal: Journal
) -> None:
    names = [f"m{i}" for i in range(9)]
    accept(journal, *names)
    for name in names:
        age(redis, name, 3_600_000)
    assert strays(redis, empty=(), patience=30.0) == []

    for name in names:
        # Whoever looked at it would find it damaged, and tell.
        redis.hset(f"postroom:mail:{name}", "due", "")
    accept(journal, "head")
    age(redis, "head", 3_700_000)
    journal.begin(["head"])

    assert strays(redis, empty=(), patience=30.0) == []
    assert sorted(strays(redis, patience=30.0)) == names


def test_of_mails_that_wait_those_are_found_that_newer_ones_of_their_lane_have_overtaken(
    redis: Redis, journal: Journal
) -> None:
    ages = {"oldest": 100_000, "old": 90_000, "newest": 50_000}
    journal.accept([Entry(lane + name, lane, "{}") for lane in Lane for name in ages])
    for lane in Lane:
        for name, waited in ages.items():
            age(redis, lane + name, waited)
    assert strays(redis, empty=(), patience=30.0) == []

    journal.begin(["defaultnewest"])

    assert sorted(strays(redis, empty=(), patience=30.0)) == ["defaultold", "defaultoldest"]
    assert strays(redis, empty=(), patience=30.0) == []


def test_the_last_mails_of_a_long_queue_are_in_hand_when_it_is_empty_and_have_their_time(
    redis: Redis, journal: Journal
) -> None:
    names = ["lost", "slow", "sent"]
    accept(journal, *names)
    for name in names:
        age(redis, name, 100_000)
    assert strays(redis, empty=(), patience=30.0) == []

    at_once = strays(redis, patience=30.0)
    journal.begin(["sent"])
    for name in names:
        age(redis, name, 29_000)
    before = strays(redis, patience=30.0)
    journal.begin(["slow"])
    age(redis, "lost", 2_000)

    assert at_once == before == []
    assert strays(redis, patience=30.0) == ["lost"]


def test_a_queue_that_was_empty_for_a_moment_only_has_none_of_its_mails_taken_for_lost(
    redis: Redis, journal: Journal
) -> None:
    accept(journal, "m")
    age(redis, "m", 100_000)
    for empty in ((), ALL_EMPTY, (), ()):
        assert strays(redis, empty=empty, patience=30.0) == []
        age(redis, "m", 31_000)

    assert strays(redis, empty=(), patience=30.0) == []


def test_a_mail_that_waited_and_was_put_back_is_published_when_its_wait_is_over(
    redis: Redis, journal: Journal
) -> None:
    accept(journal, "m")
    age(redis, "m", 3_600_000)
    assert strays(redis, empty=(), patience=30.0) == []
    [claim] = journal.begin(["m"])
    assert isinstance(claim, Claim)
    journal.postpone(claim, wait=60.0, history="[]", progress="[]")
    before = strays(redis, empty=(), patience=30.0)

    age(redis, "m", 60_000)

    assert before == []
    assert strays(redis, empty=(), patience=30.0) == ["m"]


def test_a_mail_that_waited_longer_than_a_lease_is_looked_at_when_that_of_its_worker_is_over(
    redis: Redis, journal: Journal
) -> None:
    accept(journal, "m")
    age(redis, "m", 16_000)
    strays(redis, empty=(), patience=30.0)

    journal.begin(["m"])

    assert redis.zscore("postroom:open", "m") == int(redis.hget("postroom:mail:m", "lease") or 0)


def test_a_mail_that_was_looked_at_before_its_time_is_looked_at_by_the_end_of_its_workers_lease(
    redis: Redis, journal: Journal
) -> None:
    accept(journal, "m")
    redis.zadd("postroom:open", {"m": 0})
    strays(redis, empty=(), patience=30.0)

    journal.begin(["m"])

    assert (redis.zscore("postroom:open", "m") or 0) <= int(redis.hget("postroom:mail:m", "lease") or 0)


IMPOSSIBLE = pytest.mark.parametrize("moment", ["5e15", "1e300", "inf", "nan", "-5", "x"])


@IMPOSSIBLE
def test_a_watermark_that_cannot_be_has_no_mail_looked_at_for_ever_or_published(
    moment: str, redis: Redis, journal: Journal
) -> None:
    accept(journal, *(f"m{i}" for i in range(5)))
    for i in range(5):
        age(redis, f"m{i}", 100_000)
    assert strays(redis, empty=(), patience=30.0) == []

    for lane in Lane:
        redis.hset("postroom:watermarks", lane, moment)

    assert strays(redis, empty=(), patience=30.0) == []
    accept(journal, "newer")
    journal.begin(["newer"])
    assert sorted(strays(redis, empty=(), patience=30.0)) == [f"m{i}" for i in range(5)]


@IMPOSSIBLE
def test_a_mail_that_says_to_be_published_in_the_future_has_no_others_taken_for_lost(
    moment: str, redis: Redis, journal: Journal
) -> None:
    accept(journal, "odd", "m")
    age(redis, "m", 100_000)
    redis.hset("postroom:mail:odd", "published", moment)
    journal.begin(["odd"])

    assert "m" not in strays(redis, empty=(), patience=30.0)
