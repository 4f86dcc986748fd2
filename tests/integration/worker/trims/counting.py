"""What is in Redis of messages in hand, and what was asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from redis import Redis


UNACKED = ("unacked", "unacked_index")


def calls(redis: Redis) -> dict[str, int]:
    """Return how often each command was called since the last reset, those of scripts included."""
    stats: Any = redis.info("commandstats")
    return {name.removeprefix("cmdstat_"): each["calls"] for name, each in stats.items()}
