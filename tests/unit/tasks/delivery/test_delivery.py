"""What becomes of mails, from the message to the result."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasks.contract.codes import LocalCode, Phase
from tasks.contract.result import Delivery
from tasks.contract.status import MailState
from tasks.delivery.job import LeftAlone
from tasks.failures import TransientFailure
from tasks.journal.entries import Entry
from tasks.smtp.faults import LeaseLost
from tests.unit.tasks.delivery.answers import LATER, result, state


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
