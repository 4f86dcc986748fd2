"""Keeping the leases of the mails in hand, so that only a dead or frozen worker loses them."""

from __future__ import annotations

import logging
import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from tasks.journal.logbook.logbook import Logbook

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tasks.journal.journal import Journal
    from tasks.journal.records import Claim

logger = logging.getLogger(__name__)

#: A lease is renewed three times before it would be over.
_RENEWALS_PER_LEASE = 3


class LeaseKeeper:
    """
    Renews the leases of all mails that this process has in hand, from one background thread.

    The thread starts with the first mail and anew after a fork, since threads do not survive one. The
    *logbook* has the mails in hand, too.
    """

    def __init__(self, journal: Journal, logbook: Logbook | None = None) -> None:
        self._journal = journal
        self._logbook = logbook or Logbook()
        self._held: dict[str, Claim] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._pid = 0

    @contextmanager
    def keep(self, claims: Sequence[Claim]) -> Iterator[None]:
        """Renew the leases of *claims* until the block ends."""
        self.hold(claims)
        try:
            yield
        finally:
            self.let_go(claims)

    def hold(self, claims: Sequence[Claim]) -> None:
        """Renew the leases of *claims* from now on."""
        self._logbook.take_up(claims)
        with self._lock:
            self._start()
            self._held.update({claim.mail_id: claim for claim in claims})

    def let_go(self, claims: Sequence[Claim], *, is_left: bool = False) -> None:
        """Renew the leases of *claims* no more; *is_left* says that the journal lacks their results."""
        if is_left:
            self._logbook.leave(claims)
        else:
            self._logbook.let_go(claims)
        with self._lock:
            for claim in claims:
                held = self._held.get(claim.mail_id)
                # Not a newer claim of the same mail, which this process may have taken up since it lost this.
                if held and held.fence == claim.fence:
                    del self._held[claim.mail_id]

    def close(self) -> None:
        """Renew no leases any more, nor those that are held later; the end of a process does the same."""
        self._closed.set()

    def _start(self) -> None:
        if self._pid == os.getpid():
            return
        self._pid = os.getpid()
        self._held = {}
        threading.Thread(target=self._renew_forever, name="postroom-leases", daemon=True).start()

    def _renew_forever(self) -> None:
        pause = self._journal.options.lease / _RENEWALS_PER_LEASE
        while not self._closed.wait(pause):
            try:
                self.renew()
            except BaseException as error:  # noqa: BLE001 (without this thread no mail would keep its lease)
                logger.error("leases not renewed", extra={"error": type(error).__name__})  # noqa: TRY400 (no content)

    def renew(self) -> None:
        """Renew all leases once; one that was lost is left alone, its fence will stop the worker."""
        with self._lock:
            held = list(self._held.values())
        if not held:
            return
        try:
            kept = self._journal.renew(held)
        except RedisError as error:
            logger.warning("leases not renewed", extra={"mails": len(held), "error": type(error).__name__})
            return
        lost = [claim for claim, is_kept in zip(held, kept, strict=True) if not is_kept]
        for claim in lost:
            # One that got its result meanwhile has no lease to lose.
            if self._held.get(claim.mail_id) is claim:
                logger.warning("lease lost", extra={"mail_id": claim.mail_id})
