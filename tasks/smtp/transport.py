"""Submitting mails: one answer for each, whatever the server does."""

from __future__ import annotations

import logging
import os
import time
import weakref
from typing import TYPE_CHECKING

from tasks.contract.codes import LocalCode, Phase
from tasks.failures import Answer, Failure, Reply, TransientFailure
from tasks.patience import Patience
from tasks.smtp.conversation import Conversation
from tasks.smtp.faults import time_over, unconfirmed
from tasks.smtp.gate import LOGIN_PAUSE, LoginGate
from tasks.smtp.opening import closing_on_failure, log_in, open_session
from tasks.smtp.pool import Pool, PoolLimits
from tasks.smtp.submission import go_on, hear_nothing
from tasks.smtp.supply import Line, Supply
from tasks.smtp.tls import Handshakes
from tasks.smtp.verification import Verification

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tasks.deadline import Deadline
    from tasks.smtp.job import Job
    from tasks.smtp.route import Route
    from tasks.smtp.session import Session
    from tasks.smtp.submission import GoOn, Hear, Mark, Submission

logger = logging.getLogger(__name__)


class SmtpTransport:
    """
    Submits mails over kept connections; safe to share between threads, and new in each forked process.

    It tries each mail once. Whether and when to try again is decided by who called.
    """

    def __init__(
        self,
        *,
        limits: PoolLimits | None = None,
        login_pause: float = LOGIN_PAUSE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits or PoolLimits()
        self._login_pause = login_pause
        self._clock = clock
        self._start()
        _start_anew_after_fork(self)

    def submit(
        self,
        route: Route,
        run: Sequence[Submission] | Supply,
        *,
        mark: Mark,
        hear: Hear = hear_nothing,
        goes_on: GoOn = go_on,
    ) -> list[Answer | None]:
        """
        Try each mail of *run* once and return the answers of those that were begun, in order.

        None is for one that was not tried; of a run that is no `Supply`, they are at the end of it.

        *mark* is asked just before each final dot, *hear* told of each answer as it comes, *goes_on* asked
        before each mail is begun. The call ends with the last mail's deadline, so a run should hold mails of
        like deadlines. Whatever is raised here, be it SystemExit in a library, is one mail's answer.
        """
        waiting = Line(run if isinstance(run, Supply) else Supply(run), hear)
        try:
            while waiting and goes_on():
                self._serve(route, waiting, mark, goes_on)
        except BaseException:  # A library's SystemExit, too, must end a mail and not the worker.
            logger.exception("submission broke off", extra={"account": route.account})
            if waiting:
                waiting.first.settle(_internal_error(waiting.first))
        answers = [job.answer for job in waiting.jobs]
        return answers if isinstance(run, Supply) else answers + [None] * (len(run) - len(answers))

    def verify(self, route: Route, deadline: Deadline) -> Verification:
        """
        Connect, log in and take leave without sending anything; return what is known then.

        Raises:
            Failure: a session did not come about.

        """
        session = open_session(route, deadline, handshakes=self._handshakes, patience=self._patience)
        with closing_on_failure(session):
            log_in(session, deadline)
            facts = Verification.of(session)
        session.quit()
        return facts

    def close(self) -> None:
        """Close the connections that are kept."""
        self._pool.close()

    def close_idle(self) -> None:
        """Close the connections that rested too long; to be called now and then."""
        self._pool.close_idle()

    def _start(self) -> None:
        self._patience = Patience()
        self._handshakes = Handshakes()
        self._gate = LoginGate(self._login_pause, self._clock)
        self._pool = Pool(self._open, self._limits, self._clock)

    def _serve(self, route: Route, waiting: Line, mark: Mark, goes_on: GoOn) -> None:
        """Answer at least the first mail that waits, or replace the connection that it found dead."""
        first = waiting.first
        if first.submission.deadline.is_over:
            waiting.leave().settle(time_over(Phase.CONNECT, "its turn"))
            return
        try:
            session = self._pool.borrow(route, first.submission.deadline, fresh=first.is_replayed)
        except Failure as failure:
            _fail(waiting, failure)
            return
        try:
            most = self._pool.most_mails(session)
            Conversation(session, waiting, mark, most_mails=most, goes_on=goes_on).carry()
        except BaseException:
            session.abort()
            raise
        finally:
            self._handshakes.remember(session.wire, route)
            self._pool.give_back(session)

    def _open(self, route: Route, deadline: Deadline) -> Session:
        if not route.login:
            return open_session(route, deadline, handshakes=self._handshakes, patience=self._patience)
        self._gate.check(route)
        session = open_session(route, deadline, handshakes=self._handshakes, patience=self._patience)
        with closing_on_failure(session), self._gate.turn(route, deadline):
            log_in(session, deadline)
        return session


def _fail(waiting: Line, failure: Failure) -> None:
    """Answer all mails that wait with *failure*; only the first where it was for want of time."""
    if failure.reply.code == LocalCode.TIME_OVER:
        waiting.leave().settle(failure)
        return
    while waiting:
        waiting.leave().settle(failure)


def _internal_error(job: Job) -> Answer:
    """Return the answer of a mail at which this program broke; its dot may be out if it was marked."""
    if job.is_marked:
        return unconfirmed()
    return TransientFailure(Reply(LocalCode.INTERNAL, "An error of this program; see the worker's log."))


def _start_anew_after_fork(transport: SmtpTransport) -> None:
    """Give a forked child connections and locks of its own; the parent's sockets are only forgotten there."""
    reference = weakref.WeakMethod(transport._start)  # noqa: SLF001  # the hook must not keep the transport alive

    def start() -> None:
        if (method := reference()) is not None:
            method()

    os.register_at_fork(after_in_child=start)
