"""What may have been delivered is never said not to be, and never sent again unasked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasks.contract.codes import LocalCode
from tasks.contract.result import Delivery, RecipientState
from tasks.contract.status import MailState
from tasks.delivery.job import LeftAlone
from tasks.journal.entries import Entry
from tests.unit.tasks.delivery.answers import NEVER, OK, SILENCE, TOO_LATE, result, state


def test_silence_after_the_dot_is_unknown_and_never_sent_again(desk: Any) -> None:
    desk.transport.answers = [SILENCE]

    [verdict] = desk.deliver({})

    outcome = result(verdict)
    assert (outcome.success, outcome.code, outcome.delivery) == (False, 690, Delivery.UNKNOWN)
    assert len(desk.transport.tried) == 1
    assert outcome.recipients[0].state is RecipientState.UNKNOWN


def test_silence_after_the_dot_is_sent_again_where_the_caller_chose_so(desk: Any) -> None:
    desk.transport.answers = [SILENCE, OK]

    [verdict] = desk.deliver({"on_unknown": "resend"})

    assert result(verdict).success
    first, second = (submission.envelope.content for submission in desk.transport.tried)
    assert first == second


def test_a_refusal_after_an_unknown_copy_does_not_claim_that_nothing_was_sent(desk: Any) -> None:
    desk.transport.answers = [SILENCE, NEVER]

    [verdict] = desk.deliver({"on_unknown": "resend"})

    assert result(verdict).delivery is Delivery.UNKNOWN


def test_too_little_time_after_an_unknown_copy_does_not_claim_it_either(desk: Any) -> None:
    desk.transport.answers = [SILENCE, TOO_LATE]

    [verdict] = desk.deliver({"on_unknown": "resend"})

    assert result(verdict).delivery is Delivery.UNKNOWN


def die_at_the_dot(desk: Any, recorded: str = "", covered: str = "") -> None:
    """Have a worker die with a dot that may be out; it had *recorded* something of the mail before."""
    desk.lease = 0.0
    desk.journal.accept([Entry("m1", "default", "{}")])
    [claim] = desk.journal.begin(["m1"])
    if recorded:
        desk.journal.record(claim, history="", progress=recorded)
    desk.journal.mark([claim], [covered])


#: What it left: nothing of the first attempt, what was recorded of the one before, or all written out.
LEFT = pytest.mark.parametrize(
    ("recorded", "covered"),
    [("", ""), ('[["open", 451, "greylisted", "4.7.1"]]', ""), ("", '[["doubtful", 690, "", null]]')],
    ids=["first", "another", "written out"],
)


@LEFT
def test_a_mail_whose_worker_died_after_the_mark_is_unknown(desk: Any, recorded: str, covered: str) -> None:
    die_at_the_dot(desk, recorded, covered)

    [verdict] = desk.deliver({})

    assert result(verdict).code == LocalCode.UNKNOWN
    assert result(verdict).recipients[0].state is RecipientState.UNKNOWN
    assert desk.transport.tried == []


@LEFT
def test_a_refusal_after_a_worker_died_at_the_dot_does_not_claim_that_nothing_was_sent(
    desk: Any, recorded: str, covered: str
) -> None:
    die_at_the_dot(desk, recorded, covered)
    desk.transport.answers = [NEVER]

    [verdict] = desk.deliver({"on_unknown": "resend"})

    assert len(desk.transport.tried) == 1
    assert result(verdict).delivery is Delivery.UNKNOWN


def test_who_was_refused_before_a_worker_died_is_in_no_doubt(desk: Any) -> None:
    standings = '[["refused", 550, "no such user", "5.1.1"], ["doubtful", 690, "", null]]'
    die_at_the_dot(desk, covered=standings)

    [verdict] = desk.deliver({"to": ["ann@example.org", "bob@example.org"]})

    assert [r.state for r in result(verdict).recipients] == [RecipientState.REFUSED, RecipientState.UNKNOWN]


def test_an_expired_mail_that_may_have_been_delivered_is_unknown_not_expired(desk: Any) -> None:
    die_at_the_dot(desk)
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()

    [verdict] = desk.deliver({"expires_at": past})

    assert result(verdict).delivery is Delivery.UNKNOWN
    assert state(desk) is MailState.UNKNOWN


def test_a_worker_that_lost_its_lease_after_the_dot_stores_no_second_result(desk: Any) -> None:
    desk.transport.on_submit = lambda: desk.redis.hincrby("postroom:mail:m1", "fence", 1)

    assert desk.deliver({}) == [LeftAlone("lease lost")]
    assert state(desk) is MailState.SENDING
