"""A transport whose channels fetch in groups."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from kombu.transport import redis

from worker.transport import sifting
from worker.trims.channel import FetchingChannel
from worker.trims.poller import FetchingPoller

if TYPE_CHECKING:
    from worker.sieve import Sieve


@cache
def fetching(transport: Any, sieve: Sieve) -> Any:
    """Return the class *transport* with a *sieve* and, where it is a Redis, with channels that fetch."""
    sifted = sifting(transport, sieve, FetchingChannel)
    if not issubclass(transport, redis.Transport):
        return sifted
    return type("FetchingTransport", (_Fetching, sifted), {})


class _Fetching:
    """What stands before kombu's transport."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cycle = FetchingPoller()

    on_readable: Any

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        """Note the loop, which is woken where there is more to fetch."""
        self.cycle.serve(loop, self.on_readable)
        plain: Any = super()
        plain.register_with_event_loop(connection, loop)
