"""
Publishing again what no message stands for any more.

Mails that are due after a wait, mails whose worker died, and mails whose message the broker lost come back
here. Mails that merely wait in a long queue do not: see `sweep.lua`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tasks.contract.names import Lane
from tasks.journal.calls import FIRST_LOOK, milliseconds
from tasks.journal.journal import JournalOptions
from tasks.journal.keys import MAIL, OPEN, WATERMARKS
from tasks.journal.scripts import Call, Script, run_script

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from redis import Redis

_SWEEP: Final = Script.named("sweep")


@dataclass(frozen=True, slots=True)
class Stray:
    """A mail that must be published again."""

    mail_id: str
    lane: str
    payload: str = field(repr=False)


class Sweeper:
    """Looks through the open mails; any number of sweepers may run, each stray is found by one of them."""

    def __init__(self, redis: Redis, *, options: JournalOptions | None = None, batch: int = 500) -> None:
        self._redis = redis
        self._options = options or JournalOptions()
        self._batch = batch

    def sweep(self, empty_lanes: Callable[[], Collection[str]]) -> Iterator[Stray]:
        """
        Yield the strays; each is looked at again after the journal's patience only.

        *empty_lanes* names the queues in which nothing waits; it is asked only where a mail's time has come,
        since asking takes longer than anything else here. Raises `redis.RedisError`.
        """
        if not self._is_any_due():
            return
        empty = empty_lanes()
        lanes = [part for lane in Lane for part in (lane.value, int(lane in empty))]
        times = milliseconds(self._options.patience), FIRST_LOOK
        call = Call((OPEN, WATERMARKS), (MAIL, self._batch, *times, *lanes))
        looked_at = self._batch
        while looked_at == self._batch:
            looked_at, found = run_script(self._redis, _SWEEP, [call])[0]
            for mail_id, lane, payload in found:
                # What is damaged must not keep those behind it from being found.
                yield Stray(*(part.decode(errors="surrogateescape") for part in (mail_id, lane, payload)))

    def _is_any_due(self) -> bool:
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.zrange(OPEN, 0, 0, withscores=True)
        pipeline.time()
        first, (seconds, microseconds) = pipeline.execute()
        return any(moment <= seconds * 1000 + microseconds / 1000 for _, moment in first)
