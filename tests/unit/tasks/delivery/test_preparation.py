"""The mails of a run are made ready step by step, and each comes to its own end."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tasks.contract.codes import LocalCode
from tasks.deadline import Deadline
from tasks.delivery.accounts import Account, Accounts
from tasks.delivery.job import Job
from tasks.delivery.mail import Mail
from tasks.delivery.preparation import Preparation
from tasks.delivery.retry import RetryPolicy
from tasks.delivery.routing import Router
from tasks.delivery.sealing import SealPolicy
from tasks.journal.records import Claim, Grip
from tasks.message.attachments import AttachmentPolicy

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOW = datetime(2026, 11, 26, 21, 0, tzinfo=UTC)
_TERMS = b"The terms."
_STORED = f"stored:{hashlib.sha256(_TERMS).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Noting(SealPolicy):
    """Opens mails, and notes which."""

    noted: list[str] = field(default_factory=list)

    def open(self, job: Job) -> Mapping[str, object]:
        self.noted.append(f"opened {job.mail_id}")
        if job.mail_id == "broken":
            raise LookupError("a bug")
        return job.parameters


def preparation(noted: list[str]) -> Preparation:
    def stored(_digest: str) -> bytes:
        noted.append("composed one")
        return _TERMS

    account = Account(name="default", host="smtp.example.org", sender="desk@example.org")
    return Preparation(Router(Accounts([account])), AttachmentPolicy(), stored, sealing=Noting(noted=noted))


def mail(mail_id: str, **parameters: Any) -> Mail:
    usual = {
        "to": "ann@example.org",
        "subject": "s",
        "body": "b",
        "attachments": [f"{_STORED}/{mail_id}.txt"],
    }
    claim = Claim(mail_id, 1, Grip.YOURS, accepted_at=_NOW, begun_at=_NOW, elapsed=0.0)
    job = Job(mail_id, "default", {**usual, **parameters})
    return Mail(job, claim, Deadline.after(0.0), time.monotonic, time.monotonic())


def test_each_step_is_taken_for_all_mails_of_a_run_before_the_next() -> None:
    noted: list[str] = []
    mails = [mail("m1"), mail("m2"), mail("m3")]

    preparation(noted).prepare(mails, RetryPolicy())

    assert all(each.ready for each in mails)
    assert noted == ["opened m1", "opened m2", "opened m3", *["composed one"] * 3]


def test_a_file_that_mails_of_a_run_have_in_common_is_read_once_for_them() -> None:
    noted: list[str] = []
    turn = preparation(noted)
    common = {"attachments": [f"{_STORED}/terms.txt"]}
    mails = [mail("m1", **common), mail("m2", **common)]

    turn.prepare(mails, RetryPolicy())
    assert all(each.ready and b"\r\nVGhlIHRlcm1zLg==\r\n" in each.ready.envelope.content for each in mails)
    assert noted.count("composed one") == 1

    turn.prepare([mail("m3", **common)], RetryPolicy())
    assert noted.count("composed one") == 2


def test_a_mail_that_ends_at_a_step_takes_no_other_and_keeps_none_from_theirs() -> None:
    noted: list[str] = []
    broken, invalid, elsewhere, fine = mails = [
        mail("broken"),
        mail("invalid", to="nobody"),
        mail("elsewhere", smtp_host="mx.example.net"),
        mail("fine"),
    ]

    preparation(noted).prepare(mails, RetryPolicy())

    codes = [each.failure and each.failure.reply.code for each in mails]
    assert codes == [LocalCode.INTERNAL, LocalCode.INVALID_INPUT, LocalCode.POLICY, None]
    assert [each.wait for each in (broken, invalid, elsewhere, fine)] == [None, None, None, 0.0]
    assert noted.count("composed one") == 1
