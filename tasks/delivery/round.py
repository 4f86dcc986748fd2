"""One attempt at a run of mails: what is answered is settled at once, whatever the mails behind it do."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, TypeAlias

from tasks.delivery.bugs import internal_failure, log_bug
from tasks.smtp.faults import unconfirmed
from tasks.smtp.supply import Supply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tasks.delivery.mail import Mail
    from tasks.delivery.results import Report, Results
    from tasks.delivery.retry import RetryPolicy
    from tasks.failures import Answer
    from tasks.smtp.submission import Submission

#: Given a mail that was not begun, since the one before it hangs; any thread may call it.
PassOn: TypeAlias = "Callable[[Mail], object]"


class Round:
    """
    Hears the answers of a run, and sees to it that each is in the journal soon.

    The *results* of answered mails go along with the mark of the mail behind them, in one round trip;
    `settle` writes those for which none comes. So a worker that dies leaves a mail or two in doubt, not its
    whole run. It is safe to call `settle` from another thread than the one in which the run is carried.
    """

    def __init__(
        self, results: Results, policy: RetryPolicy, mails: Iterable[Mail], *, pass_on: PassOn | None = None
    ) -> None:
        self._results = results
        self._policy = policy
        self._by_id = {mail.job.mail_id: mail for mail in mails}
        self._lock = threading.Lock()
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
            self._results.leave_alone(mail)
        elif mail.wait is None:
            self._results.add(mail)
        else:
            self._results.keep_open(mail)

    def mark(self, submissions: Sequence[Submission]) -> Sequence[bool]:
        """Note that the dots of these mails are about to be sent, and the results of those before them."""
        mails = [self._by_id[submission.mail_id] for submission in submissions]
        allowed = self._results.write_and_mark(
            [mail.claim for mail in mails], [mail.covered() for mail in mails]
        )
        for submission, is_allowed in zip(submissions, allowed, strict=True):
            if is_allowed:
                self._in_doubt.add(submission.mail_id)
        return allowed

    def settle(self) -> None:
        """Write the results of the answered mails that the journal does not have yet."""
        self._results.write()

    def is_overdue(self, patience: float) -> bool:
        """Whether an answer waits for its way into the journal for more than *patience* seconds."""
        return self._results.is_overdue(patience)

    @property
    def report(self) -> Report:
        """Who is told what became of the mails."""
        return self._results.report

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
            # Whoever called has them from now on: a mail that `release` gave away as well would go out twice.
            mails, self._by_id = list(self._by_id.values()), {}
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
            self._results.add(mail)
