"""How fast a key may go: one bucket of tokens a key, in Redis, so that all gateway processes agree."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from producers.web.scripts import script
from tasks.journal.scripts import Call, run_script

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from redis import Redis

    from producers.web.keys import Key
    from tasks.journal.link import Link

_TAKE: Final = script("take")
_BUCKET: Final = "postroom:web:rate:"


@dataclass(frozen=True, slots=True)
class Allowance:
    """
    Whether a request may go on, and what is left of its key's allowance.

    *until_full* and *retry_after* are in seconds.
    """

    is_granted: bool
    key: Key
    remaining: int
    until_full: float
    retry_after: float

    def headers(self) -> dict[str, str]:
        """Return the fields of draft-ietf-httpapi-ratelimit-headers."""
        window = max(1, math.ceil(self.key.burst / self.key.rate))
        found = {
            "RateLimit-Policy": f'"requests";q={self.key.burst};w={window}',
            "RateLimit": f'"requests";r={self.remaining};t={math.ceil(self.until_full)}',
        }
        return found if self.is_granted else found | {"Retry-After": str(max(1, math.ceil(self.retry_after)))}


class Rates:
    """
    Counts requests.

    Over *link* where there is one. Raises `redis.RedisError` when Redis cannot be reached: nothing is let
    through uncounted.
    """

    def __init__(self, redis: Redis, *, link: Link | None = None) -> None:
        self._redis = redis
        self._link = link

    def take(self, costs: Sequence[tuple[Key, int]]) -> list[Allowance]:
        """Return for each request, of a key and with a cost, whether it may go on; in one round trip."""
        keys = [key for key, _ in costs]
        places = places_by_key(keys)
        calls = [_call(each, costs) for each in places]
        return allowances(keys, places, run_script(self._redis, _TAKE, calls, link=self._link))


def bucket(key: Key) -> str:
    """Return where in Redis the tokens of *key* are."""
    return _BUCKET + key.id


def places_by_key(keys: Sequence[Key]) -> list[list[int]]:
    """Return at which places each of *keys* stands."""
    found: dict[str, list[int]] = {}
    for i, key in enumerate(keys):
        found.setdefault(key.id, []).append(i)
    return list(found.values())


def allowances(
    keys: Sequence[Key], places: Sequence[Sequence[int]], answers: Sequence[Sequence[int]]
) -> list[Allowance]:
    """Return the allowance of each request from the *answers* for the *places* of each key."""
    found: Mapping[int, Allowance] = {
        i: _allowance(keys[i], answer, flag)
        for each, answer in zip(places, answers, strict=True)
        for i, flag in zip(each, answer[3:], strict=True)
    }
    return [found[i] for i in range(len(keys))]


def _call(places: Sequence[int], costs: Sequence[tuple[Key, int]]) -> Call:
    key = costs[places[0]][0]
    return Call((bucket(key),), (key.rate, key.burst, *(costs[i][1] for i in places)))


def _allowance(key: Key, answer: Sequence[int], flag: int) -> Allowance:
    remaining, until_full, retry_after = answer[:3]
    return Allowance(flag == 1, key, remaining, until_full / 1000, retry_after / 1000)
