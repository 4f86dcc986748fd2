"""The use case: a run of mails is taken up, sent, and each brought to an honest result."""

from __future__ import annotations

import itertools
import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from redis.exceptions import RedisError

from tasks.deadline import Deadline
from tasks.delivery.intake import Intake
from tasks.delivery.mail import Mail
from tasks.delivery.open_rounds import OpenRounds
from tasks.delivery.pending import Pending
from tasks.delivery.results import Results
from tasks.delivery.retry import RetryPolicy
from tasks.delivery.round import Round
from tasks.journal.logbook.logbook import Logbook
from tasks.journal.records import Claim
from tasks.smtp.submission import go_on

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tasks.delivery.job import Job, Verdict
    from tasks.delivery.preparation import Preparation
    from tasks.delivery.results import Report
    from tasks.delivery.round import PassOn
    from tasks.delivery.ways import Way
    from tasks.failures import Answer
    from tasks.journal.control import Control
    from tasks.journal.journal import Journal
    from tasks.journal.leases import LeaseKeeper
    from tasks.smtp.route import Route
    from tasks.smtp.submission import GoOn, Hear, Mark
    from tasks.smtp.supply import Supply

logger = logging.getLogger(__name__)


class Transport(Protocol):
    """What carries a run of mails to one server; it answers for each and never raises for the server."""

    def submit(
        self, route: Route, run: Supply, *, mark: Mark, hear: Hear, goes_on: GoOn
    ) -> Sequence[Answer | None]:
        """Try each mail of *run* once, tell *hear* each answer; return those of the ones that were begun."""


@dataclass(frozen=True, slots=True)
class DeliveryService:
    """
    Carries runs of mails; a single mail is a run of one.

    `deliver` does all of it and sleeps through waits of up to *policy.hold* seconds. Whoever has other mails
    to send meanwhile calls `take_up`, and then `attempt` as long as mails are left, each in its time. Longer
    waits are spent in the journal.
    """

    journal: Journal
    control: Control
    leases: LeaseKeeper
    preparation: Preparation
    transport: Transport
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    sleep: Callable[[float], object] = time.sleep
    clock: Callable[[], float] = time.monotonic
    logbook: Logbook = field(default_factory=Logbook)
    _rounds: OpenRounds = field(default_factory=OpenRounds)

    def deliver(self, run: Sequence[Job]) -> list[Verdict]:
        """
        Bring each mail of *run* to its result, or back to the journal; the verdicts are in order.

        Raises:
            redis.RedisError: the journal could not be reached, so nothing was begun.
        """
        verdicts: dict[int, Verdict] = {}

        def note(job: Job, verdict: Verdict) -> None:
            verdicts[id(job)] = verdict

        mails = self.take_up(run, note)
        while mails := self.attempt(mails, note):
            wait = max(mail.wait or 0.0 for mail in mails)
            if wait > 0.0:
                self.sleep(wait)
        return [verdicts[id(job)] for job in run]

    def way_of(self, job: Job) -> Way:
        """Return the way that *job* will probably go; mails of one way are best carried together."""
        return self.preparation.ways.of(job)

    def take_up(self, run: Sequence[Job], report: Report, *, in_company: bool = False) -> list[Mail]:
        """
        Claim mails and make them ready; return those to be attempted, and report what became of the others.

        Their leases are renewed until they are reported. *in_company* says that other mails are carried by
        this process at the same time: one whose worker died is then reported as `Suspect`, and is to be taken
        up while none of its kind is.

        Raises:
            redis.RedisError: the journal could not be reached, so nothing was begun.
        """
        grips = Intake(self.journal, self.preparation.sealing).take_up(run, in_company=in_company)
        mails = []
        for job, grip in zip(run, grips, strict=True):
            if isinstance(grip, Claim):
                mails.append(self._in_hand(job, grip))
            else:
                report(job, grip)
        self.leases.hold([mail.claim for mail in mails])
        self.preparation.prepare(mails, self.policy)
        return self._to_be_tried(self._without_settled(mails, report), report)

    def attempt(
        self,
        mails: Sequence[Mail],
        report: Report,
        *,
        goes_on: GoOn = go_on,
        pass_on: PassOn | None = None,
    ) -> list[Mail]:
        """
        Try each mail once and report those that are settled or put back; return the others.

        Those wait for up to *policy.hold* seconds for their next attempt, or were not tried since *goes_on*
        said no; their leases are still renewed. Nothing is raised for a mail. With *pass_on*, mails carried
        with one that hangs are given to it by whoever calls `relieve`, and are none of this call's any more.
        """
        results = Results(self.journal, self.leases, report, self.logbook)
        tried = Round(results, self.policy, mails, pass_on=pass_on)
        with self._rounds.open(tried):
            try:
                self._submit(mails, tried, goes_on)
            except BaseException as error:  # noqa: BLE001 (a bug must end neither the thread nor other mails)
                tried.give_up(error)
            mails = tried.close()
            self._write_down(results)
        left = [mail for mail in mails if mail.wait is not None and not mail.is_lost]
        return self._pending.recorded(self._to_be_tried(left, report), report)

    def put_back(self, mails: Sequence[Mail], report: Report) -> None:
        """Leave mails to the journal until their waits are over, and report that."""
        self._pending.put_back(mails, report)

    def settle_overdue(self, patience: float) -> None:
        """
        Write down the results whose mails were answered more than *patience* seconds ago.

        The thread that carries them is held up by a mail behind them. Raises `redis.RedisError` when the
        journal stays away.
        """
        for one in self._rounds.overdue(patience):
            one.settle()

    def relieve(self, patience: float) -> None:
        """Pass the mails on that are carried with one of which nothing was heard for *patience* seconds."""
        for one in self._rounds.stuck(patience):
            released = self._to_be_tried(one.release(), one.report)
            for mail in self._pending.recorded(released, one.report):
                one.pass_on(mail)

    def cancel(self, run: Sequence[Job]) -> None:
        """
        Give mails that wait their results, code 650, without sending them; `take_up` finds these.

        Raises:
            redis.RedisError: the journal could not be reached.
        """
        # One that came by name must be on record before it can be cancelled.
        self.journal.accept([self.preparation.sealing.entry(job) for job in run])
        for job in run:
            self.control.cancel(job.mail_id)

    @property
    def _pending(self) -> Pending:
        return Pending(self.journal, self.leases)

    def close(self) -> None:
        """Note that no mail is in hand any more; what still is, is left to whoever cleans up."""
        self.logbook.close()

    def _in_hand(self, job: Job, claim: Claim) -> Mail:
        return Mail(job, claim, Deadline.after(0.0, clock=self.clock), self.clock, self.clock())

    def _without_settled(self, mails: Sequence[Mail], report: Report) -> list[Mail]:
        settled = [mail for mail in mails if mail.wait is None]
        if settled:
            results = Results(self.journal, self.leases, report, self.logbook)
            results.add(*settled)
            self._write_down(results)
        return [mail for mail in mails if mail.wait is not None]

    def _to_be_tried(self, mails: Sequence[Mail], report: Report) -> list[Mail]:
        going_back = [mail for mail in mails if mail.must_go_back(self.policy)]
        if not going_back:
            return list(mails)
        self.put_back(going_back, report)
        return [mail for mail in mails if not mail.must_go_back(self.policy)]

    def _submit(self, mails: Sequence[Mail], tried: Round, goes_on: GoOn) -> None:
        by_route: dict[Route, list[Mail]] = {}
        # Neighbours nearly always have the very same route, and comparing all that makes one takes long.
        for _, neighbours in itertools.groupby(mails, key=lambda mail: id(mail.route)):
            run = list(neighbours)
            by_route.setdefault(run[0].route, []).extend(run)
        for route, run in by_route.items():
            supply = tried.supply([mail.submission() for mail in run])
            self.transport.submit(route, supply, mark=tried.mark, hear=tried.hear, goes_on=goes_on)

    def _write_down(self, results: Results) -> None:
        try:
            results.write()
        except RedisError as error:
            # Their leases are over by now: another worker finds what the journal knows of them.
            logger.error("results not written", extra={"error": type(error).__name__})  # noqa: TRY400 (no trace)
