"""Writing down what is done with the mails in hand, before it is done."""

from __future__ import annotations

import logging
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from tasks.journal.logbook import lines
from tasks.journal.logbook.shelf import Unusable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tasks.journal.logbook.shelf import Book, Shelf
    from tasks.journal.records import Claim
    from tasks.journal.settlement import Settlement

logger = logging.getLogger(__name__)

#: Bytes after which a logbook is begun anew with the mails that are still in hand.
_MUCH: Final = 256 * 1024


class Logbook:
    """
    The logbook of this process; safe to share between threads. Without a *shelf* nothing is written.

    Redis knows of each mail that its dot may be out; this file also knows whether it is, and what the server
    answered before the journal does. It costs a call of the kernel where the journal costs a round trip, and
    what the kernel was given outlives the process (docs/decisions/0058).

    A logbook that cannot be written any more is taken away before the next dot: one that lacks a dot would
    have its mail sent again.
    """

    def __init__(self, shelf: Shelf | None = None, *, most_bytes: int = _MUCH) -> None:
        self._shelf = shelf
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._book: Book | None = None
        self._pid = 0
        self._size = 0
        self._is_broken = False
        #: The fence of each mail, and its lines: a process that lost a mail may have taken it up again.
        self._in_hand: dict[str, tuple[int, bytes]] = {}

    def take_up(self, claims: Iterable[Claim]) -> None:
        """Note mails that are in hand from now on."""
        if self._shelf is None:
            return
        with self._lock:
            self._begin()
            self._note([(claim, lines.taken_up(claim)) for claim in claims if lines.has_a_line(claim)])

    def send_dots(self, claims: Iterable[Claim]) -> None:
        """
        Note that the dots of mails go out now.

        Raises:
            OSError: it cannot be noted, and the logbook cannot be taken away either: no dot must go out.
        """
        with self._lock:
            self._note([(claim, lines.dot(claim)) for claim in claims])

    def keep_open(self, claim: Claim, progress: Callable[[], str]) -> None:
        """Note that a mail was answered and is to be tried again."""
        with self._lock:
            if self._has(claim):
                self._note([(claim, lines.refused(claim, progress()))])

    def settle(self, settlements: Iterable[Settlement]) -> None:
        """Note how mails ended."""
        with self._lock:
            self._note([(each.claim, lines.settled(each)) for each in settlements])

    def let_go(self, claims: Iterable[Claim]) -> None:
        """Forget mails that are in hand no more."""
        with self._lock:
            for claim in filter(self._has, claims):
                del self._in_hand[claim.mail_id]

    def leave(self, claims: Iterable[Claim]) -> None:
        """Leave mails whose results Redis did not take to whoever finds the logbook of a dead process."""
        with self._lock:
            known = [self._in_hand.pop(claim.mail_id)[1] for claim in filter(self._has, claims)]
            if self._shelf and self._book and any(known):
                with suppress(OSError):
                    os.close(self._shelf.start(b"".join(known)).descriptor)

    def close(self) -> None:
        """Take the logbook away, unless a mail is still in hand."""
        with self._lock:
            if self._book and not self._in_hand:
                self._take_away(self._book)

    def _has(self, claim: Claim) -> bool:
        """Whether the mail is in hand by this very claim."""
        known = self._in_hand.get(claim.mail_id)
        return known is not None and known[0] == claim.fence

    def _begin(self) -> None:
        """Begin a logbook where there is none, or this process has its parent's."""
        if self._shelf is None or self._pid == os.getpid():
            return
        self._pid = os.getpid()
        # The lock of a parent's logbook ends with its last descriptor.
        if self._book:
            os.close(self._book.descriptor)
        self._book, self._in_hand = None, {}
        try:
            self._shelf.open()
            self._book, self._size = self._shelf.start(), 0
        except (Unusable, OSError) as error:
            logger.warning("no logbook", extra={"reason": str(error)})

    def _note(self, noted: Sequence[tuple[Claim, bytes]]) -> None:
        """Write lines of mails that are in hand, or are from now on."""
        if self._book is None:
            return
        if self._is_broken:
            self._take_away(self._book)
            return
        written = b""
        for claim, line in noted:
            fence, before = self._in_hand.get(claim.mail_id, (None, b""))
            if line.startswith(b"take "):
                before = b""
            elif fence != claim.fence:
                continue
            self._in_hand[claim.mail_id] = claim.fence, before + line
            written += line
        try:
            self._write(self._book, written)
        except OSError as error:
            logger.warning("logbook given up", extra={"error": type(error).__name__})
            self._is_broken = True
            self._take_away(self._book)

    def _write(self, book: Book, written: bytes) -> None:
        if self._size + len(written) > self._most_bytes and self._shelf:
            all_lines = b"".join([noted for _, noted in self._in_hand.values()])
            self._book = self._shelf.start(all_lines, instead_of=book.path)
            self._size = len(written)
            os.close(book.descriptor)
            return
        if written and os.write(book.descriptor, written) < len(written):
            raise OSError("the logbook was not written to its end")
        self._size += len(written)

    def _take_away(self, book: Book) -> None:
        """Remove the file, or at least what is in it; raises `OSError` where neither can be done."""
        try:
            book.path.unlink(missing_ok=True)
        except OSError:
            os.ftruncate(book.descriptor, 0)
        self._book, self._in_hand = None, {}
        os.close(book.descriptor)
