"""One attempt at a run of mails: what is answered is settled at once, whatever the mails behind it do."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, TypeAlias

from redis.exceptions import RedisError

from tasks.delivery.job import LeftAlone, Settled
from tasks.delivery.outcome import conclude, state_of
from tasks.delivery.preparation import internal_failure, log_bug
from tasks.delivery.retry import persistently
from tasks.smtp.faults import unconfirmed
from tasks.smtp.supply import Supply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tasks.contract.result import SendEmailResult
    from tasks.contract.status import MailState
    from tasks.delivery.job import Job, Verdict
    from tasks.delivery.mail import Mail
    from tasks.delivery.retry import RetryPolicy
    from tasks.failures import Answer
    from tasks.journal.journal import Journal
    from tasks.journal.records import Claim
    from tasks.smtp.submission import Submission

logger = logging.getLogger(__name__)

#: Told what became of a mail once the journal has it; any thread may call it.
Report: TypeAlias = "Callable[[Job, Verdict], object]"

#: Given a mail that was not begun, since the one before it hangs; any thread may call it.
PassOn: TypeAlias = "Callable[[Mail], object]"

_NOT_WRITTEN = "the journal could not be reached for its result"


class Round:
    """
    Hears the answers of a run, and sees to it that each is in the journal soon.

    The results of answered mails go along with the mark of the mail behind them, in one round trip; `settle`
    writes those for which none comes. So a worker that dies leaves a mail or two in doubt, not its whole
    run. It is safe to call `settle` from another thread than the one in which the run is carried.
    """

    def __init__(
        self,
        journal: Journal,
        policy: RetryPolicy,
        mails: Iterable[Mail],
        report: Report,
        *,
        pass_on: PassOn | None = None,
    ) -> None:
        self._journal = journal
        self._policy = policy
        self._by_id = {mail.job.mail_id: mail for mail in mails}
        self.report = report
        self._lock = threading.Lock()
        self._answered: list[Mail] = []
        self._answered_at = 0.0
        self._in_doubt: set[str] = set()
        self._pass_on = pass_on
        self._supply: Supply | None = None
        self._answered_ids: set[str] = set()
        self._heard_at = time.monotonic()

    def hear(self, submission: Submission, answer: Answer) -> None:
        """Note the answer that a mail got."""
        mail = self._by_id[submission.mail_id]
        self._heard_at = time.monotonic()
        try:
            mail.absorb(answer, self._policy)
        except Exception as error:  # noqa: BLE001 (a bug must not cost the mails behind this one)
            log_bug(error, mail.job.mail_id)
            mail.settle(internal_failure())
        self._in_doubt.discard(submission.mail_id)
        with self._lock:
            self._answered_ids.add(submission.mail_id)
        if mail.is_lost:
            self.report(mail.job, LeftAlone("lease lost"))
        elif mail.wait is None:
            self.add([mail])

    def add(self, mails: Sequence[Mail]) -> None:
        """Take mails whose outcome is certain; `settle` writes it down."""
        with self._lock:
            if not self._answered:
                self._answered_at = time.monotonic()
            self._answered += mails

    def mark(self, submissions: Sequence[Submission]) -> Sequence[bool]:
        """Note that the dots of these mails are about to be sent, and the results of those before them."""
        mails = [self._by_id[submission.mail_id] for submission in submissions]
        claims, covered = [mail.claim for mail in mails], [mail.covered() for mail in mails]
        answered = self._take()
        settled = [_settlement(mail) for mail in answered]
        try:
            are_kept, allowed = self._journal.finish_and_mark(settled, claims, covered)
        except BaseException:
            self.add(answered)
            raise
        self._in_doubt.update(
            s.mail_id for s, is_allowed in zip(submissions, allowed, strict=True) if is_allowed
        )
        self._tell(answered, settled, are_kept)
        return allowed

    def settle(self) -> None:
        """Write the results of the answered mails that the journal does not have yet; for up to a minute."""
        answered = self._take()
        settled = [_settlement(mail) for mail in answered]
        if not settled:
            return
        try:
            are_kept = persistently(lambda: self._journal.finish(settled))
        except RedisError:
            for mail in answered:
                self.report(mail.job, LeftAlone(_NOT_WRITTEN))
            raise
        self._tell(answered, settled, are_kept)

    def is_overdue(self, patience: float) -> bool:
        """Whether an answer waits for its way into the journal for more than *patience* seconds."""
        with self._lock:
            return bool(self._answered) and time.monotonic() - self._answered_at > patience

    def supply(self, submissions: Sequence[Submission]) -> Supply:
        """Return what hands these mails out, as long as they are this round's."""
        with self._lock:
            self._supply = Supply(submissions)
            self._heard_at = time.monotonic()
            return self._supply

    def is_stuck(self, patience: float) -> bool:
        """Whether nothing was heard for *patience* seconds while there is somebody to pass mails on to."""
        return self._pass_on is not None and time.monotonic() - self._heard_at > patience

    def release(self) -> list[Mail]:
        """Let go of the mails that need not wait for the one under way: those not begun, or to be retried."""
        with self._lock:
            not_begun = [s.mail_id for s in self._supply.withdraw()] if self._supply else []
            to_be_retried = [
                mail_id
                for mail_id in self._answered_ids & self._by_id.keys()
                if self._by_id[mail_id].wait is not None and not self._by_id[mail_id].is_lost
            ]
            passed_over = [self._by_id.pop(mail_id) for mail_id in not_begun]
            answered = [self._by_id.pop(mail_id) for mail_id in to_be_retried]
        for mail in passed_over:
            mail.was_passed_over()
        return [*answered, *passed_over]

    def pass_on(self, mail: Mail) -> None:
        """Give a mail that was released to somebody else."""
        if self._pass_on:
            self._pass_on(mail)

    def close(self) -> list[Mail]:
        """End the round; return its mails, of which those that were not tried were passed over."""
        with self._lock:
            if self._supply:
                self._supply.withdraw()
            mails = list(self._by_id.values())
        for mail in mails:
            if mail.wait is not None and mail.job.mail_id not in self._answered_ids:
                mail.was_passed_over()
        return mails

    def give_up(self, error: BaseException) -> None:
        """Settle every mail that has no outcome yet after a bug ended the attempt."""
        with self._lock:
            mails = list(self._by_id.values())
            if self._supply:
                self._supply.withdraw()
        for mail in mails:
            if mail.wait is None or mail.is_lost:
                continue
            log_bug(error, mail.job.mail_id)
            if mail.job.mail_id in self._in_doubt:
                answer = unconfirmed()
                mail.progress.doubt(mail.progress.open, answer.reply)
                mail.settle(answer)
            else:
                mail.settle(internal_failure())
            self.add([mail])

    def _take(self) -> list[Mail]:
        with self._lock:
            answered, self._answered = self._answered, []
        return answered

    def _tell(
        self,
        mails: Sequence[Mail],
        settled: Sequence[tuple[Claim, MailState, SendEmailResult]],
        are_kept: Sequence[bool],
    ) -> None:
        for mail, (_, _, result), is_kept in zip(mails, settled, are_kept, strict=True):
            if is_kept and mail.is_reset:
                self._put_on_record(mail, result)
            self.report(mail.job, self._kept(mail, result) if is_kept else self._refused(mail, result))

    def _put_on_record(self, mail: Mail, result: SendEmailResult) -> None:
        """Note how a password reset ended, for longer than the journal keeps it."""
        try:
            self._journal.conclude(mail.job.mail_id, result)
        except RedisError as error:
            logger.warning("end of reset not noted", extra={**mail.facts, "error": type(error).__name__})

    def _kept(self, mail: Mail, result: SendEmailResult) -> Settled:
        if logger.isEnabledFor(logging.INFO):
            logger.info(
                "mail settled", extra={**mail.facts, "delivery": result.delivery, "code": result.code}
            )
        return Settled(result, mail.claim.is_resent, self._journal.copies_results)

    def _refused(self, mail: Mail, result: SendEmailResult) -> Verdict:
        """
        Say what became of a mail whose result the journal did not take.

        Where the answer to an earlier write was lost, the journal has the result already. Else another worker
        has the mail, and the journal its word; a second result would contradict it.
        """
        try:
            [record] = self._journal.look_up([mail.job.mail_id])
        except RedisError:
            record = None
        if record and record.result:
            return Settled(record.result, mail.claim.is_resent)
        logger.warning("lease lost before the result", extra={**mail.facts, "code": result.code})
        return LeftAlone("lease lost")


def _settlement(mail: Mail) -> tuple[Claim, MailState, SendEmailResult]:
    ending = mail.ending()
    result = conclude(ending)
    return mail.claim, state_of(ending, result), result
