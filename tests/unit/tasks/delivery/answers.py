"""What servers answer in these tests, and how to read what became of a mail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tasks.contract.codes import LocalCode, Phase
from tasks.delivery.job import Settled
from tasks.failures import NotBegun, PermanentFailure, Receipt, Reply, TransientFailure, Unconfirmed

if TYPE_CHECKING:
    from tasks.contract.result import SendEmailResult
    from tasks.contract.status import MailState
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
