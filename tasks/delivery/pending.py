"""What the journal is told of mails that were tried and have no result yet."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from tasks.delivery.job import LeftAlone, PutBack
from tasks.delivery.outcome import history_json
from tasks.delivery.retry import persistently

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.delivery.job import Verdict
    from tasks.delivery.mail import Mail
    from tasks.delivery.results import Report
    from tasks.journal.journal import Journal
    from tasks.journal.leases import LeaseKeeper

logger = logging.getLogger(__name__)


class Pending:
    """Leaves mails to the journal until they are due, or has it know how those in hand stand."""

    def __init__(self, journal: Journal, leases: LeaseKeeper) -> None:
        self._journal = journal
        self._leases = leases

    def put_back(self, mails: Sequence[Mail], report: Report) -> None:
        """Leave mails to the journal until their waits are over, and report that."""
        for mail in mails:
            report(mail.job, self._put_back(mail))

    def recorded(self, mails: Sequence[Mail], report: Report) -> list[Mail]:
        """Have the journal know that no dot of these mails is open, and return those that are still ours."""
        return [mail for mail in mails if not mail.has_news or self._record(mail, report)]

    def _put_back(self, mail: Mail) -> Verdict:
        wait = mail.wait or 0.0
        try:
            persistently(
                lambda: self._journal.postpone(
                    mail.claim, wait=wait, history=history_json(mail.attempts), progress=mail.kept_progress()
                )
            )
        except RedisError as error:
            return self._leave(mail, error)
        # Before the next mail, which Redis may keep waiting: this one may be due and taken up meanwhile.
        self._leases.let_go([mail.claim])
        if not mail.attempts:
            return LeftAlone("put back untried")
        last = mail.attempts[-1]
        logger.info("mail put back", extra={**mail.facts, "code": last.code, "wait": mail.wait})
        return PutBack(last.code, last.message, wait)

    def _record(self, mail: Mail, report: Report) -> bool:
        try:
            is_ours = persistently(
                lambda: self._journal.record(
                    mail.claim, history=history_json(mail.attempts), progress=mail.kept_progress()
                )
            )
        except RedisError as error:
            report(mail.job, self._leave(mail, error))
            return False
        if is_ours:
            mail.has_news = False
            return True
        self._leases.let_go([mail.claim])
        report(mail.job, LeftAlone("lease lost"))
        return False

    def _leave(self, mail: Mail, error: RedisError) -> Verdict:
        """
        Let go of a mail of which the journal could not be told.

        It may have it in doubt, from the mark before the dot that was refused. The logbook knows better.
        """
        logger.warning("mail not put back", extra={**mail.facts, "error": type(error).__name__})
        self._leases.let_go([mail.claim], is_left=True)
        return LeftAlone("the journal could not be reached")
