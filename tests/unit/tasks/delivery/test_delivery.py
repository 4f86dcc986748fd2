"""What becomes of mails, from the message to the result."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tasks.contract.codes import LocalCode, Phase
from tasks.contract.result import Delivery, RecipientState
from tasks.contract.status import MailState
from tasks.delivery.job import LeftAlone, PutBack, Settled
from tasks.failures import NotBegun, PermanentFailure, Receipt, Reply, TransientFailure, Unconfirmed
from tasks.journal.entries import Entry
from tasks.smtp.faults import LeaseLost

if TYPE_CHECKING:
    from tasks.contract.result import SendEmailResult
    from tasks.delivery.job import Verdict

OK = Receipt(Reply(250, "Ok: queued as ABC123", "2.0.0"))
LATER = TransientFailure(Reply(451, "greylisted", "4.7.1"), Phase.RCPT)
NEVER = PermanentFailure(Reply(550, "no such user <nobody@example.org>", "5.1.1"), Phase.RCPT)
TOO_LATE = NotBegun(Reply(LocalCode.TIME_OVER, "too little time"), Phase.DATA)
SILENCE = Unconfirmed(Reply(LocalCode.UNKNOWN, "its answer never arrived"), Phase.FINAL)


def result(verdict: Verdict) -> SendEmailResult:
    assert isinstance(verdict, Settled)
    return verdict.result


def state(desk: Any, mail_id: str = "m1") -> MailState | None:
    [record] = desk.journal.look_up([mail_id])
    return record.state if record else None


def test_an_accepted_mail_is_a_success_with_the_servers_words(desk: Any) -> None:
    [verdict] = desk.deliver({})

    outcome = result(verdict)
    assert (outcome.success, outcome.code, outcome.delivery) == (True, 250, Delivery.SENT)
    assert outcome.message == "2.0.0 Ok: queued as ABC123 (1 attempt)"
    assert outcome.queue_id == "ABC123"
    assert [r.address for r in outcome.recipients] == ["a***@example.org"]
    assert state(desk) is MailState.SENT


def test_the_result_is_in_the_journal_before_it_is_returned(desk: Any) -> None:
    [verdict] = desk.deliver({})

    [record] = desk.journal.look_up(["m1"])
    assert record.result == result(verdict)


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


def test_invalid_input_is_a_result_that_names_every_field(desk: Any) -> None:
    [verdict] = desk.deliver({"to": "nobody", "subject": "", "timeout": 5})

    outcome = result(verdict)
    assert (outcome.success, outcome.code, outcome.source) == (False, 600, "local")
    assert all(label in outcome.message for label in ("Email Recipients (TO) List", "Subject", "Timeout"))
    assert desk.transport.tried == []


def test_an_expired_mail_is_never_sent(desk: Any) -> None:
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()

    [verdict] = desk.deliver({"expires_at": past})

    assert result(verdict).code == LocalCode.TIME_OVER
    assert state(desk) is MailState.EXPIRED
    assert desk.transport.tried == []


def test_a_mail_that_expires_soon_is_not_retried_past_that_moment(desk: Any) -> None:
    desk.transport.answers = [TransientFailure(LATER.reply, Phase.RCPT, retry_after=30.0)]
    soon = (datetime.now(UTC) + timedelta(seconds=20)).isoformat()

    [verdict] = desk.deliver({"expires_at": soon})

    assert result(verdict).code == 451


def test_a_mail_in_another_workers_hands_is_left_alone(desk: Any) -> None:
    desk.journal.accept([Entry("m1", "default", "{}")])
    desk.journal.begin(["m1"])

    assert desk.deliver({}) == [LeftAlone("busy")]
    assert desk.transport.tried == []


def test_a_second_message_of_a_finished_mail_gets_the_same_result_and_no_second_mail(desk: Any) -> None:
    [first] = desk.deliver({})

    [second] = desk.deliver({})

    assert second == first
    assert len(desk.transport.tried) == 1


def test_a_worker_that_lost_its_lease_leaves_the_mail_alone(desk: Any) -> None:
    desk.transport.answers = [LeaseLost()]

    assert desk.deliver({}) == [LeftAlone("lease lost")]


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


def test_a_mail_that_kills_its_workers_is_given_up(desk: Any) -> None:
    desk.lease = 0.0
    desk.journal.accept([Entry("m1", "default", "{}")])
    for _ in range(3):
        desk.journal.begin(["m1"])

    [verdict] = desk.deliver({})

    assert result(verdict).code == LocalCode.WORKER_CRASHES
    assert desk.transport.tried == []


@pytest.mark.parametrize(
    ("repeat", "code", "tried"),
    [({}, 250, 1), ({"subject": "other"}, LocalCode.IDEMPOTENCY_CONFLICT, 1)],
    ids=["same parameters", "other parameters"],
)
def test_a_key_by_name_sends_one_mail(desk: Any, repeat: dict[str, Any], code: int, tried: int) -> None:
    desk.deliver({"idempotency_key": "k"})

    [verdict] = desk.deliver({"idempotency_key": "k", **repeat}, first_id=2)

    assert result(verdict).code == code
    assert len(desk.transport.tried) == tried


@pytest.mark.parametrize("error", [RuntimeError, MemoryError, SystemExit, KeyboardInterrupt])
def test_a_bug_in_one_mail_fails_that_mail_only_and_quotes_nothing(
    desk: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: type[BaseException]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise error("canary-body")

    monkeypatch.setattr("tasks.delivery.preparation.compose", broken)

    [verdict] = desk.deliver({"body": "canary-body"})

    assert result(verdict).code == LocalCode.INTERNAL
    assert "canary" not in caplog.text + result(verdict).model_dump_json()


def test_metadata_comes_back_and_is_not_sent(desk: Any) -> None:
    [verdict] = desk.deliver({"metadata": {"ticket": "T-1"}})

    assert result(verdict).metadata == {"ticket": "T-1"}
    assert b"T-1" not in desk.transport.tried[0].envelope.content


def test_merged_recipients_are_named_in_the_message(desk: Any) -> None:
    [verdict] = desk.deliver({"cc": "ANN@example.org"})

    assert "A***@example.org" in result(verdict).message
    assert desk.transport.recipients == [("ann@example.org",)]
