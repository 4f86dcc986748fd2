"""Which mails are tried again, for whom, and until when."""

from __future__ import annotations

from typing import Any

from tasks.contract.codes import LocalCode, Phase
from tasks.contract.result import Delivery, RecipientState
from tasks.contract.status import MailState
from tasks.delivery.job import PutBack
from tasks.failures import Receipt, Reply, TransientFailure
from tests.unit.tasks.delivery.answers import LATER, NEVER, OK, TOO_LATE, result, state


def test_a_permanent_refusal_is_tried_once(desk: Any) -> None:
    desk.transport.answers = [NEVER]

    [verdict] = desk.deliver({})

    outcome = result(verdict)
    assert (outcome.success, outcome.code, outcome.retryable) == (False, 550, False)
    assert len(desk.transport.tried) == 1
    assert "nobody" not in outcome.message
    assert "phase rcpt" in outcome.message


def test_a_transient_refusal_is_tried_again_until_it_is_accepted(desk: Any) -> None:
    desk.transport.answers = [LATER, LATER, OK]

    [verdict] = desk.deliver({})

    assert result(verdict).success
    assert [attempt.code for attempt in result(verdict).attempts] == [451, 451, 250]
    assert len(desk.clock.slept) == 2


def test_a_run_is_submitted_together_and_only_its_refused_mails_again(desk: Any) -> None:
    desk.transport.answers = [OK, LATER, OK, OK]

    verdicts = desk.deliver({}, {}, {})

    assert [result(verdict).success for verdict in verdicts] == [True, True, True]
    assert [count for _, count in desk.transport.runs] == [3, 1]
    assert [submission.mail_id for submission in desk.transport.tried] == ["m1", "m2", "m3", "m2"]


def test_mails_that_go_the_same_way_go_together_however_that_was_said(desk: Any) -> None:
    desk.account["allowed_hosts"] = "mx.example.net"
    desk.deliver({}, {"smtp_host": "smtp.example.org"}, {"smtp_host": "mx.example.net"}, {})

    assert [count for _, count in desk.transport.runs] == [3, 1]


def test_retries_end_before_the_timeout_with_the_servers_last_word(desk: Any) -> None:
    desk.transport.answers = [LATER]
    desk.hold = 60.0
    started = desk.clock.now

    [verdict] = desk.deliver({"timeout": 10_000})

    outcome = result(verdict)
    assert (outcome.code, outcome.retryable, outcome.delivery) == (451, True, Delivery.NOT_SENT)
    assert desk.clock.now - started < 10.0
    assert len(outcome.attempts) > 2


def test_a_long_wait_goes_back_to_the_journal_and_holds_no_slot(desk: Any) -> None:
    desk.transport.answers = [TransientFailure(LATER.reply, Phase.RCPT, retry_after=300.0)]

    [verdict] = desk.deliver({"timeout": 3_600_000})

    assert isinstance(verdict, PutBack)
    assert (verdict.code, verdict.wait >= 300.0) == (451, True)
    assert desk.clock.slept == []
    assert state(desk) is MailState.RETRYING


def test_a_mail_that_was_put_back_goes_on_with_its_history_and_its_identity(desk: Any) -> None:
    desk.transport.answers = [TransientFailure(LATER.reply, Phase.RCPT, retry_after=300.0), OK]
    desk.deliver({"timeout": 3_600_000})
    desk.redis.hset("postroom:mail:m1", "due", 0)

    [verdict] = desk.deliver({"timeout": 3_600_000})

    assert [attempt.code for attempt in result(verdict).attempts] == [451, 250]
    first, second = (submission.envelope.content for submission in desk.transport.tried)
    assert first == second


def test_a_wait_that_the_budget_does_not_hold_is_not_waited(desk: Any) -> None:
    desk.transport.answers = [TransientFailure(LATER.reply, Phase.RCPT, retry_after=300.0)]

    [verdict] = desk.deliver({"timeout": 60_000})

    assert result(verdict).code == 451
    assert desk.clock.slept == []


def test_an_attempt_that_came_too_late_to_begin_leaves_the_servers_last_word(desk: Any) -> None:
    desk.transport.answers = [LATER, TOO_LATE]

    [verdict] = desk.deliver({})

    outcome = result(verdict)
    assert (outcome.code, outcome.retryable, outcome.source) == (451, True, "server")
    assert [attempt.code for attempt in outcome.attempts] == [451]


def test_it_leaves_the_word_that_another_worker_heard_as_well(desk: Any) -> None:
    desk.transport.answers = [TransientFailure(LATER.reply, Phase.RCPT, retry_after=300.0), TOO_LATE]
    desk.deliver({"timeout": 3_600_000})
    desk.redis.hset("postroom:mail:m1", "due", 0)

    [verdict] = desk.deliver({"timeout": 3_600_000})

    assert (result(verdict).code, result(verdict).retryable) == (451, True)


def test_so_does_a_mail_that_waited_in_the_journal_until_its_time_was_nearly_over(desk: Any) -> None:
    desk.transport.answers = [TransientFailure(LATER.reply, Phase.RCPT, retry_after=300.0), OK]
    desk.deliver({"timeout": 3_600_000})
    desk.redis.hset("postroom:mail:m1", "due", 0)
    # It has seconds of its time left when it is taken up again.
    desk.redis.hincrby("postroom:mail:m1", "started", -3_597_000)

    [verdict] = desk.deliver({"timeout": 3_600_000})

    outcome = result(verdict)
    assert (outcome.code, outcome.retryable, outcome.source) == (451, True, "server")
    assert [attempt.code for attempt in outcome.attempts] == [451]
    assert len(desk.transport.tried) == 1


def test_a_first_attempt_that_came_too_late_to_begin_says_so(desk: Any) -> None:
    desk.transport.answers = [TOO_LATE]

    [verdict] = desk.deliver({"timeout": 2000})

    assert (result(verdict).code, result(verdict).retryable) == (LocalCode.TIME_OVER, True)


def test_only_the_recipients_refused_for_now_are_tried_again(desk: Any) -> None:
    refused = {"bob@example.org": Reply(451, "later"), "eve@example.org": Reply(550, "never", "5.1.1")}
    desk.transport.answers = [Receipt(OK.reply, refused), OK]

    [verdict] = desk.deliver({"to": "ann@example.org;bob@example.org;eve@example.org"})

    assert desk.transport.recipients == [
        ("ann@example.org", "bob@example.org", "eve@example.org"),
        ("bob@example.org",),
    ]
    outcome = result(verdict)
    assert (outcome.success, outcome.delivery, outcome.code) == (False, Delivery.PARTIAL, 550)
    assert [r.state for r in outcome.recipients] == [
        RecipientState.SENT,
        RecipientState.SENT,
        RecipientState.REFUSED,
    ]


def test_of_several_refusals_the_servers_worst_decides(desk: Any) -> None:
    refused = {
        "bob@example.org": Reply(LocalCode.POLICY, "no SMTPUTF8"),
        "eve@example.org": Reply(552, "mailbox full"),
        "kim@example.org": Reply(550, "never"),
    }
    desk.transport.answers = [Receipt(OK.reply, refused)]

    [verdict] = desk.deliver({"to": "ann@example.org;bob@example.org;eve@example.org;kim@example.org"})

    assert result(verdict).code == 552


def test_too_many_recipients_for_one_transaction_are_split_without_a_wait(desk: Any) -> None:
    rest = {"bob@example.org": Reply(452, "too many recipients", "4.5.3")}
    desk.transport.answers = [Receipt(OK.reply, rest), OK]

    [verdict] = desk.deliver({"to": "ann@example.org;bob@example.org"})

    assert result(verdict).success
    assert desk.transport.recipients[1] == ("bob@example.org",)
    assert desk.clock.slept == []
