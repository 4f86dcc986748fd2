"""The journal's transitions: who gets a mail, when, and who must let go of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tasks.contract.status import MailState
from tasks.journal.records import Acceptance, Claim, Grip, Hindrance, Refusal
from tasks.journal.settlement import Settlement
from tests.unit.tasks.journal.samples import SENT, entry

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from tasks.journal.journal import Journal


def test_a_mail_is_given_to_one_worker_at_a_time(journal: Journal) -> None:
    journal.accept([entry()])

    [first] = journal.begin(["m"])
    [second] = journal.begin(["m"])

    assert isinstance(first, Claim)
    assert isinstance(second, Refusal)
    assert second.hindrance is Hindrance.BUSY


def test_a_mail_without_a_record_is_unknown(journal: Journal) -> None:
    assert journal.begin(["m"]) == [Refusal("m", Hindrance.UNKNOWN)]


def test_a_mail_that_is_due_later_is_left_alone(journal: Journal) -> None:
    journal.accept([entry(delay=60.0)])

    [refusal] = journal.begin(["m"])

    assert isinstance(refusal, Refusal)
    assert refusal.hindrance is Hindrance.EARLY


def test_a_mail_that_takes_its_workers_down_is_given_up(journal_with: Callable[..., Journal]) -> None:
    journal = journal_with(lease=0.0, runs=3)
    journal.accept([entry()])

    grips = [journal.begin(["m"])[0] for _ in range(4)]

    assert [grip.grip for grip in grips if isinstance(grip, Claim)] == [
        Grip.YOURS,
        Grip.YOURS,
        Grip.YOURS,
        Grip.CRASHED,
    ]


def test_an_orderly_wait_is_no_crash(journal_with: Callable[..., Journal]) -> None:
    journal = journal_with(runs=1)
    journal.accept([entry()])

    for _ in range(5):
        [claim] = journal.begin(["m"])
        assert isinstance(claim, Claim)
        assert claim.grip is Grip.YOURS
        journal.postpone(claim, wait=0.0, history="[]", progress="[]")


def test_a_postponed_mail_is_retrying_with_its_last_answer(
    journal: Journal, take: Callable[[Journal], Claim]
) -> None:
    history = '[{"at":"2026-01-01T00:00:00Z","code":451,"message":"later"}]'
    journal.postpone(take(journal), wait=60.0, history=history, progress="[]")

    [record] = journal.look_up(["m"])

    assert record is not None
    assert (record.state, record.last_code, record.last_message) == (MailState.RETRYING, 451, "later")


def test_a_postponed_mail_tells_all_its_attempts_and_when_the_next_one_is_due(
    journal: Journal, take: Callable[[Journal], Claim]
) -> None:
    answers = [{"at": f"2026-01-01T00:00:0{n}Z", "code": 451, "message": f"later {n}"} for n in range(2)]
    claim = take(journal)
    journal.postpone(claim, wait=60.0, history=json.dumps(answers), progress="[]")

    [record] = journal.look_up(["m"])

    assert record is not None
    assert [attempt.message for attempt in record.attempts] == ["later 0", "later 1"]
    assert record.due_at is not None
    assert 59.0 < (record.due_at - claim.begun_at).total_seconds() < 70.0


def test_a_finished_mail_has_its_result_and_no_parameters(
    redis: Redis, journal: Journal, take: Callable[[Journal], Claim]
) -> None:
    journal.finish([Settlement.of(take(journal), MailState.SENT, SENT)])

    [record] = journal.look_up(["m"])

    assert record is not None
    assert (record.state, record.result) == (MailState.SENT, SENT)
    assert not redis.hget("postroom:mail:m", "payload")
    assert redis.zcard("postroom:open") == 0
    assert journal.begin(["m"]) == [Refusal("m", Hindrance.DONE, SENT)]


def test_the_scripts_survive_a_restart_of_the_server(redis: Redis, journal: Journal) -> None:
    journal.accept([entry("a")])
    redis.script_flush()

    [answer] = journal.accept([entry("b")])

    assert answer.outcome is Acceptance.ACCEPTED
