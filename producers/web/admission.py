"""Letting mails in: requests are counted, and the mails of those granted noted for their key, in one step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from producers.web.rates import allowances, bucket, places_by_key
from producers.web.scripts import composed
from tasks.journal.scripts import Call, run_script

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis import Redis

    from producers.web.index import Index, Mention
    from producers.web.keys import Key
    from producers.web.rates import Allowance
    from tasks.journal.link import Link

_ADMIT: Final = composed("admit", "take", "remember")


class Visit(NamedTuple):
    """A request of *key* that hands in mails; *delay* is the longest time in seconds until one is due."""

    key: Key
    cost: int
    mentions: Sequence[Mention]
    delay: float


class Admission:
    """
    Counts requests as `Rates` does, and notes mails as `Index` does, those of granted requests only.

    A step for both, since a run waits for each round trip, and on a busy machine for the processor with it.
    Raises `redis.RedisError` when Redis cannot be reached: then nothing is let in.
    """

    def __init__(self, redis: Redis, *, index: Index, link: Link | None = None) -> None:
        self._redis = redis
        self._index = index
        self._link = link

    def admit(self, visits: Sequence[Visit]) -> list[Allowance]:
        """Return for each request whether it may go on; the mails of those that may are noted then."""
        keys = [visit.key for visit in visits]
        places = places_by_key(keys)
        calls = [self._call([visits[i] for i in each]) for each in places]
        return allowances(keys, places, run_script(self._redis, _ADMIT, calls, link=self._link))

    def _call(self, visits: Sequence[Visit]) -> Call:
        key = visits[0].key
        lists, numbers = self._index.lists(key.id, delay=max(visit.delay for visit in visits))
        mails: list[str | int] = []
        for visit in visits:
            mails += [len(visit.mentions), *self._index.named(visit.mentions)]
        costs = (visit.cost for visit in visits)
        return Call((bucket(key), *lists), (len(visits), key.rate, key.burst, *costs, *numbers, *mails))
