"""Mails that are passed on belong to nobody else, and mails that are given back are not passed on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tasks.contract.codes import Phase
from tasks.delivery.job import Job, Settled
from tasks.failures import Receipt, Reply, TransientFailure

if TYPE_CHECKING:
    from tasks.delivery.job import Verdict
    from tasks.delivery.mail import Mail

OK = Receipt(Reply(250, "Ok"))
LATER = TransientFailure(Reply(451, "greylisted", "4.7.1"), Phase.RCPT, retry_after=1.0)
_RUN = [Job(f"m{i}", "default", {"to": "ann@example.org", "subject": "s", "body": "b"}) for i in (1, 2)]


def nothing(_job: Job, _verdict: Verdict) -> None:
    """Leave a verdict alone."""


def ids(mails: list[Mail]) -> list[str]:
    return [mail.job.mail_id for mail in mails]


def test_a_mail_that_waits_for_its_retry_is_passed_on_once_another_one_hangs(desk: Any) -> None:
    service, passed_on = desk.service(), []
    desk.transport.answers = [LATER, OK]
    mails = service.take_up(_RUN, nothing)
    answer = desk.transport._answer  # noqa: SLF001 (what the server says, in the middle of the run)

    def answered(*args: Any) -> Any:
        said = answer(*args)
        service.relieve(0.0)
        return said

    desk.transport._answer = answered  # noqa: SLF001 (as above)
    left = service.attempt(mails, nothing, pass_on=passed_on.append)

    assert ids(passed_on) == ["m1"]
    assert ids(left) == []


def test_a_mail_that_is_given_back_is_not_passed_on_while_the_results_of_others_are_written(
    desk: Any,
) -> None:
    """The journal may be away for long just then: a mail that two have is sent twice."""
    service, passed_on = desk.service(), []
    desk.transport.answers = [LATER, OK]
    mails = service.take_up(_RUN, nothing)

    def report(_job: Job, verdict: Verdict) -> None:
        assert isinstance(verdict, Settled)
        service.relieve(0.0)

    left = service.attempt(mails, report, pass_on=passed_on.append)

    assert ids(passed_on) == []
    assert ids(left) == ["m1"]
