"""Cleaning up behind a worker process that died on this machine."""

from __future__ import annotations

import itertools
import logging
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from tasks.journal.logbook.lines import read
from tasks.journal.logbook.shelf import Unusable
from tasks.journal.records import Claim, Grip
from tasks.journal.settlement import Settlement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.journal.journal import Journal
    from tasks.journal.logbook.lines import Trace
    from tasks.journal.logbook.shelf import Book, Shelf

logger = logging.getLogger(__name__)

_LONG_AGO: Final = datetime.fromtimestamp(0, tz=UTC)


class CleanedUp(NamedTuple):
    """How many mails got the results that their servers had given, go on, and are left in doubt."""

    settled: int
    to_be_sent: int
    in_doubt: int


class Recovery:
    """
    Brings into the *journal* what dead processes of this machine wrote into their logbooks.

    A mail that was answered gets its result; one whose dot was not sent goes on as one that was never marked;
    one whose dot is out stays in doubt. None of them has to wait for its lease any more. The fences of the
    dead decide: what somebody else has taken over since is left alone.
    """

    def __init__(self, shelf: Shelf, journal: Journal) -> None:
        self._shelf = shelf
        self._journal = journal
        self._is_tidy = False

    def recover(self) -> None:
        """
        Read and remove the logbooks of the dead.

        Raises:
            redis.RedisError: the journal cannot be reached; the logbooks stay.
            OSError: the folder cannot be read.
        """
        try:
            self._shelf.examine()
        except Unusable:
            # Whoever writes there has said so. What others may have put there must not be believed.
            return
        if not self._is_tidy:
            self._shelf.tidy()
            self._is_tidy = True
        for book in self._shelf.left():
            done = clean_up(self._journal, _traces(book, self._shelf.header))
            if any(done):
                logger.warning("cleaned up behind a worker that died", extra=done._asdict())
            book.path.unlink(missing_ok=True)


def clean_up(journal: Journal, traces: Sequence[Trace]) -> CleanedUp:
    """
    Have *journal* know what the dead knew; return how many mails that moved.

    Raises:
        redis.RedisError: it cannot be reached. What was done does no harm when it is done again.
    """
    settled = [
        Settlement.of(_claim(trace), trace.state, trace.result)
        for trace in traces
        if trace.state and trace.result
    ]
    are_kept = journal.finish(settled)
    for settlement in itertools.compress(settled, are_kept):
        journal.conclude(settlement.claim.mail_id, settlement.result)
    others = [trace for trace in traces if not trace.result]
    untouched = [(_claim(trace), trace.progress) for trace in others if not trace.is_out]
    are_free = journal.release(untouched)
    are_doubtful = journal.release_doubtful([_claim(trace) for trace in others if trace.is_out])
    return CleanedUp(sum(are_kept), sum(are_free), sum(are_doubtful))


def _traces(book: Book, header: bytes) -> list[Trace]:
    """Read a logbook; one from before the machine's start, or that is damaged, tells nothing."""
    with os.fdopen(os.dup(book.descriptor), "rb") as file:
        first, *lines = file.read().split(b"\n")
    if first + b"\n" != header:
        return []
    # Behind the last end of a line is what death cut off.
    try:
        return read(line.decode() for line in lines[:-1])
    except ValueError as error:
        logger.warning("damaged logbook", extra={"found": type(error).__name__})
        return []


def _claim(trace: Trace) -> Claim:
    return Claim(trace.mail_id, trace.fence, Grip.YOURS, _LONG_AGO, _LONG_AGO, 0.0)
