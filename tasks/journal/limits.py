"""How often something may happen: exact counts over sliding windows, by Redis' clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tasks.journal.scripts import Call, Script, run_script

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis import Redis

_LIMIT: Final = Script.named("limit")
_PREFIX: Final = "postroom:limit:"


@dataclass(frozen=True, slots=True)
class Limit:
    """
    At most *holds* of something in any *seconds*.

    *name* says of what; it stands in Redis, so it must be a keyed hash where it would name somebody.
    """

    name: str
    holds: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Full:
    """A limit that was reached, and the seconds until there is room again."""

    limit: Limit
    wait: float


class Limits:
    """Counts what several limits hold at once: in all of them, or in none."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def take(self, name: str, limits: Sequence[Limit]) -> Full | None:
        """
        Count *name* once in each of *limits*; return the first that is full.

        The work is the same whatever is found, and what is refused is not counted: it moves no window.

        Raises:
            redis.RedisError: Redis cannot be reached.
        """
        windows = [str(part) for limit in limits for part in (limit.holds, round(limit.seconds * 1000))]
        call = Call(tuple(_PREFIX + limit.name for limit in limits), (name, *windows))
        [(number, wait)] = run_script(self._redis, _LIMIT, [call])
        return Full(limits[number - 1], int(wait) / 1000) if number else None
