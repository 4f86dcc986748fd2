"""Password resets that failed, until somebody has looked whether their actor is to be told."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from redis import Redis

_KEY: Final = "postroom:untold"
#: How many are kept, and for how many seconds, where no worker tells anybody.
_MOST: Final = 10_000
_RETENTION: Final = 24 * 3600


class Untold:
    """
    Ids of resets, the oldest first.

    Every method raises `redis.RedisError` when Redis cannot be reached.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def add(self, mail_id: str) -> None:
        """Keep an id until it is dropped, or until there are too many that are younger."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.zadd(_KEY, {mail_id: time.time()}, nx=True)
        pipeline.zremrangebyrank(_KEY, 0, -_MOST - 1)
        pipeline.expire(_KEY, _RETENTION)
        pipeline.execute()

    def oldest(self, most: int) -> list[str]:
        """Return the oldest ids; they stay."""
        return [name.decode() for name in self._redis.zrange(_KEY, 0, most - 1) if isinstance(name, bytes)]

    def drop(self, mail_id: str) -> None:
        """Forget an id that was dealt with."""
        self._redis.zrem(_KEY, mail_id)
