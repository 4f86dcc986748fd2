"""What a delivery ended with becomes a result that whoever reads it finds valid."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tasks.contract.codes import LocalCode, Phase
from tasks.contract.result import Delivery, SendEmailResult
from tasks.contract.status import MailState
from tasks.delivery.outcome import Ending, attempt_of, conclude, state_of
from tasks.delivery.progress import Progress
from tasks.failures import Expired, Failure, PermanentFailure, Receipt, Reply, TransientFailure, Unconfirmed

_AT = datetime(2026, 11, 26, 21, 0, 0, 125000, tzinfo=UTC)
_OK = Reply(250, "Ok: queued as 4F2A", "2.0.0")
_NO = Reply(550, "no such user", "5.1.1")
_LATER = Reply(451, "greylisted")
_BOTH = ("ann@example.org", "bob@example.org")


def ending(progress: Progress, failure: Failure | None, *attempts: Reply, **more: Any) -> Ending:
    return Ending(
        progress=progress,
        masked=tuple(f"{address[0]}***@example.org" for address in progress.recipients),
        failure=failure,
        phase=Phase.FINAL,
        attempts=tuple(attempt_of(reply, at=_AT, body="") for reply in attempts),
        accepted_at=_AT,
        finished_at=_AT,
        **more,
    )


def sent(refused: dict[str, Reply] | None = None) -> Progress:
    progress = Progress(_BOTH)
    progress.take(Receipt(_OK, refused or {}), _BOTH)
    return progress


def doubtful() -> Progress:
    progress = Progress(_BOTH)
    progress.doubt(_BOTH, Reply(LocalCode.UNKNOWN, "silence"))
    return progress


_SILENCE = Unconfirmed(Reply(LocalCode.UNKNOWN, "silence"), Phase.FINAL)
_EXPIRED = Expired(Reply(LocalCode.TIME_OVER, "too late"))
_INVALID = PermanentFailure(Reply(LocalCode.INVALID_INPUT, "Subject: is blank"))


@pytest.mark.parametrize(
    ("found", "delivery", "code", "message"),
    [
        (ending(sent(), None, _OK), Delivery.SENT, 250, "2.0.0 Ok: queued as 4F2A (1 attempt)"),
        (
            ending(sent({_BOTH[1]: _NO}), None, _LATER, _OK, notes=("Merged a***@example.org",)),
            Delivery.PARTIAL,
            550,
            "5.1.1 no such user (2 attempts) Merged a***@example.org.",
        ),
        (
            ending(Progress(_BOTH), TransientFailure(_LATER, Phase.MAIL, hint="Wait."), _LATER),
            Delivery.NOT_SENT,
            451,
            "greylisted (phase mail, 1 attempt) Wait.",
        ),
        (ending(doubtful(), _SILENCE), Delivery.UNKNOWN, 690, "silence."),
        (ending(Progress(()), _SILENCE), Delivery.UNKNOWN, 690, "silence."),
        (ending(Progress(()), _INVALID, metadata={"a": "ü"}), Delivery.NOT_SENT, 600, "Subject: is blank."),
    ],
    ids=["sent", "partial", "not sent", "unknown", "never written", "invalid"],
)
def test_a_result_says_what_became_of_the_mail_and_is_valid(
    found: Ending, delivery: Delivery, code: int, message: str
) -> None:
    result = conclude(found)

    assert (result.delivery, result.code, result.message) == (delivery, code, message)
    assert result.success is (delivery is Delivery.SENT)
    assert SendEmailResult.model_validate_json(result.model_dump_json()) == result
    assert SendEmailResult.model_validate(result.model_dump(), strict=True) == result
    assert state_of(found, result) is MailState(delivery.value)


def test_a_mail_that_may_have_been_sent_did_not_expire() -> None:
    never, perhaps = ending(Progress(_BOTH), _EXPIRED), ending(doubtful(), _EXPIRED)

    assert state_of(never, conclude(never)) is MailState.EXPIRED
    assert state_of(perhaps, conclude(perhaps)) is MailState.UNKNOWN


def test_a_recipient_that_was_never_asked_shares_the_mails_failure() -> None:
    progress = Progress(_BOTH)
    progress.refuse({_BOTH[0]: _NO})
    first, second = conclude(ending(progress, TransientFailure(_LATER))).recipients

    assert (first.code, first.message) == (550, "no such user")
    assert (second.code, second.message) == (451, "greylisted")
