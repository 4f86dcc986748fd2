"""Taking mails in: once, under a key or not, with their messages in the same step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.contract.status import MailState
from tasks.journal.entries import Entry
from tasks.journal.records import Acceptance, Claim
from tasks.journal.settlement import Settlement
from tests.unit.tasks.journal.samples import SENT, entry

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from tasks.journal.journal import Journal


def test_an_accepted_mail_is_queued_and_one_that_never_was_is_not_there(journal: Journal) -> None:
    journal.accept([entry()])

    [found, missing] = journal.look_up(["m", "other"])

    assert found is not None
    assert found.state is MailState.QUEUED
    assert missing is None


def test_a_mail_is_accepted_once(journal: Journal) -> None:
    first, second = journal.accept([entry(), entry()])

    assert first.outcome is Acceptance.ACCEPTED
    assert second.outcome is Acceptance.KNOWN


def test_what_is_accepted_is_published_in_the_same_step_and_nothing_else_is(
    journal: Journal, redis: Redis
) -> None:
    run = [
        entry("a", key="k"),
        entry("a", key="k"),
        entry("b", key="k"),
        entry("c", key="k", fingerprint="g"),
    ]
    answers = journal.accept(run, messages=[b"1", b"2", b"3", b"4"])

    assert [answer.outcome for answer in answers] == ["accepted", "known", "same", "conflict"]
    assert redis.lrange("default", 0, -1) == [b"1"]


def test_messages_of_a_run_come_into_their_queues_in_its_order(journal: Journal, redis: Redis) -> None:
    lanes = ["bulk", "default", "bulk", "default", "bulk"]
    journal.accept(
        [Entry(f"m{i}", lane, "{}", None, "f") for i, lane in enumerate(lanes)],
        messages=[str(i).encode() for i in range(len(lanes))],
    )

    assert redis.lrange("bulk", 0, -1)[::-1] == [b"0", b"2", b"4"]
    assert redis.lrange("default", 0, -1)[::-1] == [b"1", b"3"]


def test_an_empty_message_is_not_published(journal: Journal, redis: Redis) -> None:
    journal.accept([entry("a", delay=60.0), entry("b")], messages=[b"", b"2"])

    assert redis.lrange("default", 0, -1) == [b"2"]


def test_a_queue_that_takes_no_message_does_not_undo_the_acceptance(journal: Journal, redis: Redis) -> None:
    redis.set("default", "no list")
    [answer] = journal.accept([entry(key="k")], messages=[b"1"])
    [again] = journal.accept([entry("second", key="k")])

    assert (answer.outcome, again.outcome) == (Acceptance.ACCEPTED, Acceptance.SAME)
    assert redis.zcard("postroom:open") == 1


def test_a_key_finds_its_first_mail(journal: Journal) -> None:
    journal.accept([entry("first", key="k")])

    [again] = journal.accept([entry("second", key="k")])

    assert (again.outcome, again.mail_id) == (Acceptance.SAME, "first")
    assert journal.look_up(["second"]) == [None]


def test_a_key_with_other_parameters_is_a_conflict_that_stores_nothing(journal: Journal) -> None:
    journal.accept([entry("first", key="k")])

    [other] = journal.accept([entry("second", key="k", fingerprint="g")])

    assert (other.outcome, other.mail_id) == (Acceptance.CONFLICT, "first")
    assert journal.look_up(["second"]) == [None]


def test_a_key_lives_as_long_as_the_finished_mail(redis: Redis, journal_with: Callable[..., Journal]) -> None:
    journal = journal_with(retention=100.0)
    journal.accept([entry(key="k")])
    before = redis.ttl("postroom:key:k")
    [claim] = journal.begin(["m"])
    assert isinstance(claim, Claim)

    journal.finish([Settlement.of(claim, MailState.SENT, SENT)])

    assert before == -1
    assert 0 < redis.ttl("postroom:key:k") <= 100
    assert 0 < redis.ttl("postroom:mail:m") <= 100
