"""One mail in a worker's hands: what was tried, who got it, and whether it is worth another attempt."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, assert_never

from tasks.contract.codes import Phase
from tasks.contract.result import Attempt
from tasks.deadline import Deadline
from tasks.delivery.outcome import Ending, attempt_of
from tasks.delivery.progress import Progress
from tasks.failures import Failure, NotBegun, PermanentFailure, Receipt, Reply, TransientFailure, Unconfirmed
from tasks.journal.records import Grip
from tasks.smtp.faults import LeaseLost
from tasks.smtp.replies import is_too_many_recipients
from tasks.smtp.reply_texts import queue_id
from tasks.smtp.submission import Submission

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tasks.contract.parameters import SendEmail
    from tasks.delivery.job import Job
    from tasks.delivery.prepared import Prepared
    from tasks.delivery.retry import RetryPolicy
    from tasks.failures import Answer
    from tasks.journal.records import Claim
    from tasks.smtp.route import Route


@dataclass(slots=True)
class Mail:
    """
    A claimed mail with everything that is known about it.

    *wait* is the pause in seconds before the next attempt; None once the mail is settled, with *failure*
    where it was not accepted for everybody. *has_news* says that the journal lacks its last attempt,
    *is_reset* that a password reset was asked for, whose end goes on record.
    """

    job: Job
    claim: Claim
    deadline: Deadline
    clock: Callable[[], float]
    taken_up: float
    attempts: tuple[Attempt, ...] = ()
    progress: Progress = field(default_factory=lambda: Progress(()))
    request: SendEmail | None = None
    ready: Prepared | None = None
    failure: Failure | None = None
    phase: Phase | None = None
    queue_id: str | None = None
    wait: float | None = 0.0
    is_lost: bool = False
    has_news: bool = False
    is_reset: bool = False

    @property
    def route(self) -> Route:
        """The way that it goes."""
        return self._prepared.route

    @property
    def _prepared(self) -> Prepared:
        if self.ready is None:
            raise RuntimeError("a mail that could not be prepared is settled, and never submitted")
        return self.ready

    @property
    def now(self) -> datetime:
        """The moment by the journal's clock."""
        return self.claim.begun_at + timedelta(seconds=self.clock() - self.taken_up)

    def recall(self) -> None:
        """Note the attempts of earlier workers, as they left them in the journal."""
        if self.claim.history:
            self.attempts = tuple(Attempt.model_validate(a) for a in json.loads(self.claim.history))

    def open(self, request: SendEmail) -> None:
        """Note the validated parameters, and what earlier workers left in the journal."""
        self.request = request
        recipients = tuple([mailbox.addr_spec for mailbox in request.recipients])
        self.progress = Progress.decode(recipients, self.claim.progress)
        if self.claim.grip is Grip.UNCONFIRMED:
            self.progress.doubt_all()
        self.recall()

    def put_off(self, failure: TransientFailure, policy: RetryPolicy) -> None:
        """
        Note an attempt that ended before anything was sent, and when to try again.

        One that was not even begun is none: the mail ends with what the last one heard.
        """
        if isinstance(failure, NotBegun) and self.attempts:
            self.settle(self._last_failure)
            return
        self._tried(failure.reply)
        self._try_again(failure, policy)

    def must_go_back(self, policy: RetryPolicy) -> bool:
        """Whether the mail goes back to the journal: for a long wait, or to be prepared anew after any."""
        return self.wait is not None and (self.wait > policy.hold or self.ready is None)

    def settle(self, failure: Failure | None) -> None:
        """End the mail with *failure*, or with acceptance."""
        self.failure = failure
        self.wait = None

    def was_passed_over(self) -> None:
        """
        Note that its turn did not come, since the mails before it took too long.

        Their time is not its own, so the budget of a mail that was never tried begins anew.
        """
        self.wait = 0.0
        if self.attempts or self.request is None:
            return
        seconds = self.deadline.budget
        if self.request.expires_at is not None:
            seconds = min(seconds, (self.request.expires_at - self.now) / timedelta(seconds=1))
        self.deadline = Deadline.after(seconds, budget=self.deadline.budget, clock=self.clock)

    def submission(self) -> Submission:
        """Return the transaction that is to be tried next: the open recipients."""
        envelope, recipients = self._prepared.envelope, self.progress.open
        if recipients != envelope.recipients:
            envelope = replace(envelope, recipients=recipients)
        return Submission(self.job.mail_id, envelope, self.deadline)

    def covered(self) -> str:
        """Return the progress to note before the dot: until an answer comes, those tried are doubtful."""
        return self.progress.covered(body=self._body)

    def kept_progress(self) -> str:
        """Return the progress as the journal keeps it; of a mail that was never opened, what it had."""
        if self.request is None:
            return self.claim.progress
        return self.progress.encode(body=self._body)

    def absorb(self, answer: Answer, policy: RetryPolicy) -> None:
        """Note the answer to the transaction, and decide whether and when to try again."""
        match answer:
            case Receipt():
                self._accepted(answer, policy)
            case Unconfirmed():
                self._doubtful(answer, policy)
            case LeaseLost():
                self.is_lost = True
            case TransientFailure():
                self.progress.refuse(answer.recipients)
                self.put_off(answer, policy)
            case PermanentFailure():
                self.progress.refuse(answer.recipients)
                self._tried(answer.reply)
                self.settle(answer)
            case Failure():
                self.settle(PermanentFailure(answer.reply, answer.phase))
            case _:
                assert_never(answer)

    def _accepted(self, receipt: Receipt, policy: RetryPolicy) -> None:
        self.progress.take(receipt, self.progress.open)
        self.queue_id = queue_id(receipt.reply.text) or self.queue_id
        self.phase = Phase.FINAL
        self._tried(receipt.reply)
        deferred = [self.progress.reply_to(recipient) for recipient in self.progress.open]
        if not deferred:
            self.settle(None)
        elif any(is_too_many_recipients(reply) for reply in deferred):
            self.wait = 0.0
        else:
            self._try_again(TransientFailure(deferred[0], Phase.RCPT), policy)

    def _doubtful(self, answer: Unconfirmed, policy: RetryPolicy) -> None:
        self.progress.doubt(self.progress.open, answer.reply)
        self._tried(answer.reply)
        self.settle(answer)
        if self._prepared.resends_unknown:
            self._try_again(TransientFailure(answer.reply, answer.phase), policy)
        if self.wait is not None:
            self.progress.reopen()

    @property
    def _last_failure(self) -> Failure:
        """What the last attempt ended with, which may have been another worker's."""
        last = self.attempts[-1]
        return self.failure or TransientFailure(Reply(last.code, last.message))

    def _try_again(self, failure: TransientFailure, policy: RetryPolicy) -> None:
        self.wait = policy.wait_after(failure, attempt=len(self.attempts), deadline=self.deadline)
        self.failure = failure

    def _tried(self, reply: Reply) -> None:
        self.attempts = (*self.attempts, attempt_of(reply, at=self.now, body=self._body))
        self.has_news = True

    @property
    def _body(self) -> str:
        return self.request.body if self.request else ""

    @property
    def facts(self) -> dict[str, object]:
        """What a log line may say of the mail."""
        return {
            "mail_id": self.job.mail_id,
            "lane": self.job.lane,
            "account": self.ready.route.account if self.ready else None,
            "recipients": len(self.progress.recipients),
            "attempts": len(self.attempts),
            "seconds": round(self.claim.elapsed + self.clock() - self.taken_up, 3),
        }

    def ending(self) -> Ending:
        """Return everything that the result is made from."""
        request, ready = self.request, self.ready
        return Ending(
            progress=self.progress,
            masked=tuple([mailbox.masked for mailbox in request.recipients]) if request else (),
            failure=self.failure,
            phase=self.phase,
            attempts=self.attempts,
            accepted_at=self.claim.accepted_at,
            finished_at=self.now,
            message_id=ready.message_id if ready else None,
            queue_id=self.queue_id,
            body=self._body,
            notes=ready.notes if ready else (),
            metadata=dict(request.metadata) if request else {},
        )
