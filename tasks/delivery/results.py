"""From answered mails to results that the journal has, and to whoever waits for them."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from typing import TYPE_CHECKING, TypeAlias

from redis.exceptions import RedisError

from tasks.delivery.job import LeftAlone, Settled
from tasks.delivery.outcome import conclude, state_of
from tasks.delivery.retry import persistently
from tasks.journal.logbook.logbook import Logbook
from tasks.journal.settlement import Settlement
from tasks.loops import offload

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tasks.contract.result import SendEmailResult
    from tasks.delivery.job import Job, Verdict
    from tasks.delivery.mail import Mail
    from tasks.journal.journal import Journal
    from tasks.journal.leases import LeaseKeeper
    from tasks.journal.records import Claim

logger = logging.getLogger(__name__)

#: Told what became of a mail once the journal has it; any thread may call it.
Report: TypeAlias = "Callable[[Job, Verdict], object]"

_NOT_WRITTEN = "the journal could not be reached for its result"
_LEASE_LOST = "lease lost"


class Results:
    """
    The results of mails whose outcome is certain, until the journal has them and they are reported.

    The leases of those that are reported are not renewed any more. The *logbook* hears of each outcome and of
    each dot before anybody else does. Safe to share between threads.
    """

    def __init__(
        self, journal: Journal, leases: LeaseKeeper, report: Report, logbook: Logbook | None = None
    ) -> None:
        self._journal = journal
        self._leases = leases
        self._logbook = logbook or Logbook()
        self.report = report
        self._lock = threading.Lock()
        self._waiting: list[tuple[Mail, Settlement]] = []
        self._waiting_since = 0.0

    def add(self, *mails: Mail) -> None:
        """Take mails whose results are to be written."""
        settled = [(mail, _settlement(mail)) for mail in mails]
        self._logbook.settle(settlement for _, settlement in settled)
        self._put(settled)

    def keep_open(self, mail: Mail) -> None:
        """Note that *mail* was answered and is to be tried again."""
        self._logbook.keep_open(mail.claim, mail.kept_progress)

    def is_overdue(self, patience: float) -> bool:
        """Whether a result waits for its way into the journal for more than *patience* seconds."""
        with self._lock:
            return bool(self._waiting) and time.monotonic() - self._waiting_since > patience

    def leave_alone(self, mail: Mail) -> None:
        """Report that another worker has *mail*."""
        self._leases.let_go([mail.claim])
        self.report(mail.job, LeftAlone(_LEASE_LOST))

    def write_and_mark(self, claims: Sequence[Claim], covered: Sequence[str]) -> Sequence[bool]:
        """Write what waits, and note in the same round trip that the dots of other mails are about to go."""
        settled = self._take()
        try:
            are_kept, allowed = self._journal.finish_and_mark([each for _, each in settled], claims, covered)
        except BaseException:
            self._put(settled)
            raise
        self._tell(settled, are_kept)
        self._logbook.send_dots(itertools.compress(claims, allowed))
        return allowed

    def write(self) -> None:
        """
        Write what waits; for up to a minute.

        Raises:
            redis.RedisError: the journal stayed away; that has been reported.
        """
        settled = self._take()
        if not settled:
            return
        try:
            are_kept = persistently(lambda: self._journal.finish([each for _, each in settled]))
        except RedisError:
            self._leases.let_go([mail.claim for mail, _ in settled], is_left=True)
            for mail, _ in settled:
                self.report(mail.job, LeftAlone(_NOT_WRITTEN))
            raise
        self._tell(settled, are_kept)

    def _put(self, settled: Sequence[tuple[Mail, Settlement]]) -> None:
        with self._lock:
            if not self._waiting:
                self._waiting_since = time.monotonic()
            self._waiting += settled

    def _take(self) -> list[tuple[Mail, Settlement]]:
        with self._lock:
            settled, self._waiting = self._waiting, []
        return settled

    def _tell(self, settled: Sequence[tuple[Mail, Settlement]], are_kept: Sequence[bool]) -> None:
        if not settled:
            return
        # At once, or the leases of mails that have their results would be renewed in vain.
        self._leases.let_go([mail.claim for mail, _ in settled])
        for (mail, settlement), is_kept in zip(settled, are_kept, strict=True):
            result = settlement.result
            if is_kept and mail.is_reset:
                self._put_on_record(mail, result)
            self.report(mail.job, self._kept(mail, result) if is_kept else self._refused(mail, result))

    def _put_on_record(self, mail: Mail, result: SendEmailResult) -> None:
        """Note how a password reset ended, for longer than the journal keeps it."""
        try:
            offload(lambda: self._journal.conclude(mail.job.mail_id, result))
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
            [record] = offload(lambda: self._journal.look_up([mail.job.mail_id]))
        except RedisError:
            record = None
        if record and record.result:
            return Settled(record.result, mail.claim.is_resent)
        logger.warning("lease lost before the result", extra={**mail.facts, "code": result.code})
        return LeftAlone(_LEASE_LOST)


def _settlement(mail: Mail) -> Settlement:
    ending = mail.ending()
    result = conclude(ending)
    return Settlement.of(mail.claim, state_of(ending, result), result)
