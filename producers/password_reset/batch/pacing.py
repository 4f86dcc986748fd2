"""How fast resets go, counted in Redis: the same number for all runs that share an account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from producers.password_reset.batch.scripts import named
from tasks.journal.scripts import Call, run_script

if TYPE_CHECKING:
    from redis import Redis

_PACE: Final = named("pace")
_PREFIX: Final = "postroom:pace:"


class Pace:
    """At most *rate* a second for *account*, whoever asks; a second's worth may go at once."""

    def __init__(self, redis: Redis, *, account: str | None, rate: float) -> None:
        self._redis = redis
        self._key = _PREFIX + (account or "")
        self._rate = rate

    def take(self, wanted: int) -> tuple[int, float]:
        """
        Return how many of *wanted* may go now, and the seconds until one more may.

        Raises:
            redis.RedisError: Redis cannot be reached.
        """
        call = Call((self._key,), (wanted, self._rate, max(1, round(self._rate))))
        [(granted, wait)] = run_script(self._redis, _PACE, [call])
        return granted, wait / 1000
