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

#: In the set of open mails, behind all moments: the mails of the first lane that merely wait, at twice that
#: the next lane's. Sums of it and a moment in milliseconds are numbers that Redis keeps exactly.
_WAITING: Final = 10**15


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
        or one waits for long, since asking takes longer than anything else here. Raises `redis.RedisError`.
        """
        if not self._is_any_to_look_at():
            return
        empty = empty_lanes()
        lanes = [part for lane in Lane for part in (lane.value, int(lane in empty))]
        times = milliseconds(self._options.patience), FIRST_LOOK
        call = Call((OPEN, WATERMARKS), (MAIL, self._batch, *times, _WAITING, *lanes))
        is_more = 1
        while is_more:
            is_more, found = run_script(self._redis, _SWEEP, [call])[0]
            for mail_id, lane, payload in found:
                # What is damaged must not keep those behind it from being found.
                yield Stray(*(part.decode(errors="surrogateescape") for part in (mail_id, lane, payload)))

    def _is_any_to_look_at(self) -> bool:
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.zrange(OPEN, 0, 0, withscores=True)
        pipeline.zrange(OPEN, -1, -1, withscores=True)
        pipeline.time()
        first, last, (seconds, microseconds) = pipeline.execute()
        now = seconds * 1000 + microseconds / 1000
        return any(moment <= now for _, moment in first) or any(place >= _WAITING for _, place in last)
