"""What a sender does with a turn: it carries errands, or runs a chore."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final, Protocol

from redis.exceptions import RedisError

from tasks.delivery.bugs import log_bug
from tasks.delivery.job import LeftAlone, Suspect
from tasks.loops import offload
from worker.dispatch.items import SUSPECTS, Chore, Errand, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tasks.delivery.job import Job, Verdict
    from tasks.delivery.mail import Mail
    from tasks.delivery.results import Report
    from tasks.delivery.round import PassOn
    from tasks.smtp.submission import GoOn
    from worker.dispatch.desk import Desk
    from worker.dispatch.waiting import Turn

logger = logging.getLogger(__name__)

#: Seconds for which a run begins further mails; those that are left have their turn again.
_LONGEST_TURN: Final = 2.0
#: Seconds after which mails are tried again to be taken up while the journal is away.
_JOURNAL_AWAY: Final = 1.0
#: Turns that a mail may end without anybody knowing why.
_MOST_SETBACKS: Final = 3


class Carrier(Protocol):
    """What takes mails up and tries them; a `DeliveryService`."""

    def take_up(self, run: Sequence[Job], report: Report, *, in_company: bool) -> list[Mail]:
        """Claim mails; return those to be attempted."""

    def attempt(self, mails: Sequence[Mail], report: Report, *, goes_on: GoOn, pass_on: PassOn) -> list[Mail]:
        """Try each mail once; return those that are left, and pass on those behind one that hangs."""

    def cancel(self, run: Sequence[Job]) -> None:
        """Give mails their results without sending them."""


class Hooks(Protocol):
    """Whom a sender tells what it does."""

    def is_revoked(self, errand: Errand) -> bool:
        """Whether nobody wants this mail any more."""

    def accepted(self, errands: Sequence[Errand]) -> None:
        """Hear of errands that are being carried from now on."""

    def done(self, outcome: Outcome) -> None:
        """Hear what became of an errand."""


class Sender:
    """Carries turns of *desk*, any number of them at a time."""

    def __init__(self, desk: Desk[Errand | Chore], carrier: Callable[[], Carrier], hooks: Hooks) -> None:
        self._desk = desk
        self._carrier = carrier
        self._hooks = hooks

    def take(self, turn: Turn[Errand | Chore]) -> None:
        """Carry *turn* to its end. Nothing that a mail or a task does is raised."""
        errands = [item for item in turn.items if isinstance(item, Errand)]
        try:
            for item in turn.items:
                if isinstance(item, Chore):
                    offload(item.work)
            if errands:
                self._carry(errands)
        except BaseException as error:  # noqa: BLE001 (the others must go on, whatever happened)
            self._set_back(errands, error)
        finally:
            self._desk.done(turn)

    def _carry(self, errands: Sequence[Errand]) -> None:
        by_job = {id(errand.job): errand for errand in errands}

        def report(job: Job, verdict: Verdict) -> None:
            errand = by_job[id(job)]
            if isinstance(verdict, Suspect):
                self._set_apart(errand)
            else:
                self._done(errand, verdict)

        mails = [errand.mail for errand in errands if errand.mail]
        mails += self._take_up([errand for errand in errands if not errand.mail], report)
        if not mails:
            return
        until = time.monotonic() + _LONGEST_TURN

        def pass_on(mail: Mail) -> None:
            errand = by_job[id(mail.job)]
            errand.mail = mail
            self._desk.rest(errand, mail.wait or 0.0)

        left = self._carrier().attempt(
            mails,
            report,
            goes_on=lambda: not self._desk.is_closed and time.monotonic() < until,
            pass_on=pass_on,
        )
        for mail in left:
            errand = by_job[id(mail.job)]
            errand.mail = mail
            self._desk.rest(errand, mail.wait or 0.0)

    def _take_up(self, errands: Sequence[Errand], report: Report) -> list[Mail]:
        if not errands:
            return []
        now = time.monotonic()
        for errand in errands:
            errand.accepted_at = errand.accepted_at or now
        self._hooks.accepted(errands)
        try:
            if revoked := [errand.job for errand in errands if self._hooks.is_revoked(errand)]:
                offload(lambda: self._carrier().cancel(revoked))
            jobs = [errand.job for errand in errands]
            mails = self._carrier().take_up(jobs, report, in_company=not errands[0].is_suspect)
        except RedisError as error:
            logger.warning("mails not taken up", extra={"mails": len(errands), "error": type(error).__name__})
            for errand in errands:
                self._desk.rest(errand, _JOURNAL_AWAY)
            return []
        by_job = {id(errand.job): errand for errand in errands}
        for mail in mails:
            by_job[id(mail.job)].mail = mail
        return mails

    def _set_apart(self, errand: Errand) -> None:
        """Have a mail whose worker died carried while no other such mail is."""
        errand.is_suspect, errand.way = True, SUSPECTS
        self._desk.put([errand])

    def _set_back(self, errands: Sequence[Errand], error: BaseException) -> None:
        """Give errands whose turn broke another one; the journal finds those that break it each time."""
        for errand in errands:
            if errand.is_reported:
                continue
            log_bug(error, errand.job.mail_id)
            errand.setbacks += 1
            if errand.setbacks < _MOST_SETBACKS and errand.mail is None:
                self._desk.rest(errand, _JOURNAL_AWAY)
            else:
                self._done(errand, LeftAlone("internal error"))

    def _done(self, errand: Errand, verdict: Verdict) -> None:
        errand.is_reported = True
        self._hooks.done(Outcome(errand, verdict, time.monotonic() - errand.accepted_at))
