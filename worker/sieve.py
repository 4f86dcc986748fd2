"""What keeps queue entries that are no messages away from the worker's loop: they go into quarantine."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Final

from worker.envelopes import Poison, examine

if TYPE_CHECKING:
    from collections.abc import Callable

    from tasks.journal.quarantine import Quarantine

logger = logging.getLogger(__name__)

#: Seconds for which an entry is left alone that cannot be set aside, because Redis is away.
_QUARANTINE_AWAY: Final = 1.0


class Sieve:
    """
    Examines entries and sets aside those that are no messages.

    Every way on which entries come from the queue goes through here, but for those in which `worker.ordinary`
    has found an ordinary mail: it finds none in what would be set aside here.
    """

    def __init__(self, quarantine: Quarantine, *, sleep: Callable[[float], object] = time.sleep) -> None:
        self._quarantine = quarantine
        self._sleep = sleep

    def sift(self, raw: bytes, *, lane: str) -> dict[str, Any] | None:
        """
        Return what kombu makes a message of, or None for an entry that is set aside now.

        Raises:
            redis.RedisError: the entry is none, and could not be set aside; it must go back into the queue.
        """
        verdict = examine(raw, lane=lane)
        if isinstance(verdict, Poison):
            self.set_aside(raw, lane=lane, reason=verdict.reason)
            return None
        return verdict.payload

    def set_aside(self, raw: bytes, *, lane: str, reason: str) -> None:
        """
        Put the entry *raw* of the queue *lane* into quarantine; *reason* says nothing of what it holds.

        Raises:
            redis.RedisError: Redis is away; this has waited a second, so that the next try is no busy loop.
        """
        try:
            entry_id, gone = self._quarantine.put(raw, lane=lane, reason=reason)
        except Exception:
            self._sleep(_QUARANTINE_AWAY)
            raise
        facts = {"entry": entry_id, "lane": lane, "reason": reason, "size": len(raw)}
        logger.error("queue entry quarantined", extra=facts)
        if gone:
            logger.warning("quarantine is full, oldest entries dropped", extra={"entries": gone})
