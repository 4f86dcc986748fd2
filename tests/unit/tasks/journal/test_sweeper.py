"""The sweeper brings back what was lost, and nothing that merely waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tasks.contract.result import Delivery, SendEmailResult
from tasks.contract.status import MailState
from tasks.journal.journal import Journal, JournalOptions
from tasks.journal.settlement import Settlement
from tasks.journal.sweeper import Stray, Sweeper
from tests.damages import DAMAGES
from tests.unit.tasks.journal.sweeps import ALL_EMPTY, accept, age, strays

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from redis import Redis

    from tasks.journal.records import Claim


def test_a_fresh_mail_is_no_stray(redis: Redis, journal: Journal) -> None:
    accept(journal, "m")

    assert strays(redis, patience=30.0) == []


def test_queues_are_not_asked_while_no_mails_time_has_come(redis: Redis, journal: Journal) -> None:
    asked: list[str] = []
    sweeper = Sweeper(redis)

    def empty_lanes() -> Collection[str]:
        asked.append("asked")
        return ALL_EMPTY

    assert list(sweeper.sweep(empty_lanes)) == []
    accept(journal, "m")
    assert list(sweeper.sweep(empty_lanes)) == []
    assert asked == []
    age(redis, "m", 31_000)
    assert [stray.mail_id for stray in sweeper.sweep(empty_lanes)] == ["m"]
    assert asked == ["asked"]


def test_a_mail_whose_message_vanished_from_an_empty_queue_is_published_once(
    redis: Redis, journal: Journal
) -> None:
    accept(journal, "m")
    age(redis, "m", 31_000)

    assert strays(redis, patience=30.0) == ["m"]
    assert strays(redis, patience=30.0) == []


def test_a_mail_that_was_published_again_is_looked_at_as_early_as_a_new_one(
    redis: Redis, journal: Journal
) -> None:
    accept(journal, "m")
    age(redis, "m", 31_000)
    strays(redis, patience=30.0)

    published = int(redis.hget("postroom:mail:m", "published") or 0)
    assert redis.zscore("postroom:open", "m") == published + 15_000


def test_a_settled_mail_that_still_counts_as_open_is_not_published(
    redis: Redis, journal: Journal, take: Callable[[Journal], Claim]
) -> None:
    sent = SendEmailResult(
        success=True, code=250, message="Ok", delivery=Delivery.SENT, retryable=False, source="server"
    )
    journal.finish([Settlement.of(take(journal), MailState.SENT, sent)])
    redis.zadd("postroom:open", {"m": 0})

    assert strays(redis) == []
    assert redis.zcard("postroom:open") == 0


def test_a_mail_that_was_published_again_waits_like_any_other(redis: Redis, journal: Journal) -> None:
    accept(journal, "m")
    age(redis, "m", 31_000)
    strays(redis, patience=30.0)
    redis.zadd("postroom:open", {"m": 0})

    assert strays(redis, empty=(), patience=30.0) == []
    assert strays(redis, patience=30.0) == []


def test_a_mail_is_published_when_its_wait_is_over(
    redis: Redis, journal: Journal, take: Callable[[Journal], Claim]
) -> None:
    journal.postpone(take(journal), wait=60.0, history="[]", progress="[]")
    before = strays(redis, empty=())

    age(redis, "m", 60_000)

    assert before == []
    assert strays(redis, empty=()) == ["m"]


def test_a_scheduled_mail_is_not_published_before_its_time(redis: Redis, journal: Journal) -> None:
    accept(journal, "later", delay=60.0)

    assert strays(redis) == []


def test_a_mail_whose_worker_died_is_published_again(
    redis: Redis, journal_with: Callable[..., Journal], take: Callable[[Journal], Claim]
) -> None:
    journal = journal_with(lease=0.0)
    take(journal)
    redis.hincrby("postroom:mail:m", "published", -1000)

    assert strays(redis, empty=(), patience=30.0) == ["m"]


def test_a_mail_in_hand_is_left_alone_until_its_lease_is_over(
    redis: Redis, journal: Journal, take: Callable[[Journal], Claim]
) -> None:
    take(journal)
    lease = int(redis.hget("postroom:mail:m", "lease") or 0)
    redis.zadd("postroom:open", {"m": 0})

    assert strays(redis, patience=30.0) == []
    assert redis.zscore("postroom:open", "m") == lease


@pytest.mark.parametrize("name", ["published", "due"])
@pytest.mark.parametrize("moment", ["1e300", "inf", "-inf", "-1e300", "-1", "9007199254740993"])
def test_a_moment_that_cannot_be_costs_no_other_mail_anything(
    name: str, moment: str, redis: Redis, journal: Journal
) -> None:
    accept(journal, "odd", "m")
    for mail_id in ("odd", "m"):
        age(redis, mail_id, 31_000)
    redis.hset("postroom:mail:odd", name, moment)

    for _ in range(3):
        found = [stray.mail_id for stray in Sweeper(redis, batch=1).sweep(lambda: ())]
        assert set(found) <= {"odd"}
    strays(redis, patience=30.0)
    age(redis, "m", 31_000)
    assert "m" in strays(redis, patience=30.0)


@pytest.mark.parametrize(("lease", "waited"), [(3.0, 1_000), (25.0, 16_000)], ids=["short", "long"])
def test_a_lease_of_another_length_than_usual_is_looked_at_by_its_end_however_patient_the_sweeper(
    lease: float, waited: int, redis: Redis, journal: Journal, journal_with: Callable[..., Journal]
) -> None:
    accept(journal, "m")
    age(redis, "m", waited)
    strays(redis, empty=(), patience=100.0)

    journal_with(lease=lease, patience=100.0).begin(["m"])

    assert redis.zscore("postroom:open", "m") == int(redis.hget("postroom:mail:m", "lease") or 0)


def test_every_open_mail_is_looked_at_however_many_there_are(redis: Redis, journal: Journal) -> None:
    names = [f"m{i}" for i in range(9)]
    accept(journal, *names)
    for name in names:
        age(redis, name, 31_000)

    assert sorted(strays(redis, patience=30.0)) == names


def test_a_finished_mail_is_forgotten(redis: Redis, journal: Journal) -> None:
    accept(journal, "m")
    age(redis, "m", 31_000)
    redis.delete("postroom:mail:m")

    assert strays(redis, patience=30.0) == []
    assert redis.zcard("postroom:open") == 0


def test_a_record_that_is_no_text_keeps_none_from_being_found(redis: Redis, journal: Journal) -> None:
    accept(journal, "damaged", "m")
    redis.hset("postroom:mail:damaged", "payload", b'{"to": "\xff"}')
    for mail_id in ("damaged", "m"):
        age(redis, mail_id, 31_000)

    assert sorted(strays(redis, patience=30.0)) == ["damaged", "m"]


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_record_that_somebody_wrote_into_is_told_and_keeps_no_other_from_being_found(
    redis: Redis, journal: Journal, damage: Callable[[Redis, str], None]
) -> None:
    accept(journal, "before", "damaged", "m")
    for mail_id in ("before", "damaged", "m"):
        age(redis, mail_id, 31_000)
    damage(redis, "damaged")
    sweeper = Sweeper(redis, options=JournalOptions(patience=30.0), batch=1)

    found = {stray.mail_id: stray for stray in sweeper.sweep(lambda: ALL_EMPTY)}

    assert set(found) == {"before", "damaged", "m"}
    assert found["damaged"] == Stray("damaged", found["damaged"].lane, "")
    assert redis.zscore("postroom:open", "damaged") is not None
    assert list(sweeper.sweep(lambda: ALL_EMPTY)) == []
