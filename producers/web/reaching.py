"""Asking Redis: whoever cannot reach it is told so within seconds, in the gateway's own words."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from producers.away import unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from producers.rest import Rest


@contextmanager
def reaching(rest: Rest) -> Iterator[None]:
    """
    Ask Redis in this block, unless *rest* says that it hung a moment ago.

    Raises:
        QueueUnavailable: it cannot be reached.
    """
    try:
        with rest.turn():
            yield
    except (RedisError, OSError) as error:
        raise unavailable(error) from error
