"""The use case: a run of mails is taken up, sent, and each brought to an honest result."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from tasks.deadline import Deadline
from tasks.delivery.intake import Intake
from tasks.delivery.job import LeftAlone, PutBack, Settled, Verdict
from tasks.delivery.mail import Mail
from tasks.delivery.outcome import conclude, history_json, state_of
from tasks.delivery.retry import RetryPolicy, persistently
from tasks.journal.records import Claim

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tasks.contract.result import SendEmailResult
    from tasks.delivery.job import Job
    from tasks.delivery.preparation import Preparation
    from tasks.failures import Answer
    from tasks.journal.journal import Journal
    from tasks.journal.leases import LeaseKeeper
    from tasks.smtp.route import Route
    from tasks.smtp.submission import Mark, Submission

logger = logging.getLogger(__name__)


class Transport(Protocol):
    """What carries a run of mails to one server; it answers for each and never raises for the server."""

    def submit(self, route: Route, run: Sequence[Submission], *, mark: Mark) -> list[Answer]:
        """Try each mail of *run* once."""


@dataclass(frozen=True, slots=True)
class DeliveryService:
    """
    Carries runs of mails; a single mail is a run of one.

    Waits of up to *policy.hold* seconds are slept through here, longer ones are spent in the journal.
    """

    journal: Journal
    leases: LeaseKeeper
    preparation: Preparation
    transport: Transport
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    sleep: Callable[[float], object] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def deliver(self, run: Sequence[Job]) -> list[Verdict]:
        """
        Bring each mail of *run* to its result, or back to the journal; the verdicts are in order.

        Raises:
            redis.RedisError: the journal could not be reached, so nothing was begun.
        """
        grips = Intake(self.journal, self.preparation.sealing).take_up(run)
        mails = [
            self._in_hand(job, grip) for job, grip in zip(run, grips, strict=True) if isinstance(grip, Claim)
        ]
        with self.leases.keep([mail.claim for mail in mails]):
            verdicts = self._carry(mails)
        return [
            verdicts[job.mail_id] if isinstance(grip, Claim) else grip
            for job, grip in zip(run, grips, strict=True)
        ]

    def _in_hand(self, job: Job, claim: Claim) -> Mail:
        return Mail(job, claim, Deadline.after(0.0, clock=self.clock), self.clock, self.clock())

    def _carry(self, mails: Sequence[Mail]) -> dict[str, Verdict]:
        verdicts: dict[str, Verdict] = {}
        for mail in mails:
            self.preparation.prepare(mail, self.policy)
        while len(verdicts) < len(mails):
            verdicts |= self._finish([m for m in mails if m.wait is None and m.job.mail_id not in verdicts])
            verdicts |= self._put_back([m for m in mails if m.must_go_back(self.policy)])
            going_on = [m for m in mails if m.job.mail_id not in verdicts]
            self._pause(going_on)
            self._submit(going_on)
            verdicts |= {m.job.mail_id: LeftAlone("lease lost") for m in going_on if m.is_lost}
        return verdicts

    def _finish(self, mails: Sequence[Mail]) -> dict[str, Verdict]:
        """Write results to the journal; nothing else happens between a server's last reply and here."""
        endings = [mail.ending() for mail in mails]
        results = [conclude(ending) for ending in endings]
        settled = [
            (mail.claim, state_of(ending, result), result)
            for mail, ending, result in zip(mails, endings, results, strict=True)
        ]
        are_kept = persistently(lambda: self.journal.finish(settled)) if settled else []
        return {
            mail.job.mail_id: _verdict(mail, result, is_kept=is_kept)
            for mail, result, is_kept in zip(mails, results, are_kept, strict=True)
        }

    def _put_back(self, mails: Sequence[Mail]) -> dict[str, Verdict]:
        verdicts: dict[str, Verdict] = {}
        for mail in mails:
            self.journal.postpone(
                mail.claim,
                wait=mail.wait or 0.0,
                history=history_json(mail.attempts),
                progress=mail.kept_progress(),
            )
            last = mail.attempts[-1]
            logger.info("mail put back", extra={**mail.facts, "code": last.code, "wait": mail.wait})
            verdicts[mail.job.mail_id] = PutBack(last.code, last.message, mail.wait or 0.0)
        return verdicts

    def _pause(self, mails: Sequence[Mail]) -> None:
        """Sleep for the longest of the mails' waits; meanwhile the journal knows that no dot is open."""
        longest = max((mail.wait or 0.0 for mail in mails), default=0.0)
        if longest <= 0.0:
            return
        for mail in mails:
            self.journal.record(
                mail.claim, history=history_json(mail.attempts), progress=mail.kept_progress()
            )
        self.sleep(longest)

    def _submit(self, mails: Sequence[Mail]) -> None:
        by_route: defaultdict[Route, list[Mail]] = defaultdict(list)
        for mail in mails:
            by_route[mail.route].append(mail)
        for route, run in by_route.items():
            answers = self.transport.submit(route, [m.submission() for m in run], mark=self._marker(run))
            for mail, answer in zip(run, answers, strict=True):
                mail.absorb(answer, self.policy)

    def _marker(self, run: Sequence[Mail]) -> Mark:
        by_id = {mail.job.mail_id: mail for mail in run}

        def mark(submissions: Sequence[Submission]) -> Sequence[bool]:
            mails = [by_id[submission.mail_id] for submission in submissions]
            return self.journal.mark([mail.claim for mail in mails], [mail.covered() for mail in mails])

        return mark


def _verdict(mail: Mail, result: SendEmailResult, *, is_kept: bool) -> Verdict:
    if not is_kept:
        # Another worker has the mail, and the journal its word; a second result would contradict it.
        logger.warning("lease lost before the result", extra={**mail.facts, "code": result.code})
        return LeftAlone("lease lost")
    logger.info("mail settled", extra={**mail.facts, "delivery": result.delivery, "code": result.code})
    return Settled(result, mail.claim.is_resent)
