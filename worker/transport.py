"""kombu's Redis transports, with every entry going through the sieve before kombu makes anything of it."""

from __future__ import annotations

import logging
from functools import cache
from typing import TYPE_CHECKING, Any

from kombu.transport import redis
from kombu.transport.virtual import Empty
from kombu.utils.encoding import bytes_to_str
from redis.exceptions import RedisError

if TYPE_CHECKING:
    from collections.abc import Callable

    from worker.sieve import Sieve

logger = logging.getLogger(__name__)


@cache
def sifting(transport: Any, sieve: Sieve, base: Any = None) -> Any:
    """
    Return the class *transport* with a *sieve* in its channels, which are *base* beside.

    One that is no Redis is returned as it is: its entries are not kombu's own, and what is wrong with a
    message is found out by the consumer.
    """
    if not issubclass(transport, redis.Transport):
        return transport
    channel = type("SiftingChannel", (base or SiftingChannel, transport.Channel), {"sieve": sieve})
    return type("SiftingTransport", (transport,), {"Channel": channel})


class SiftingChannel(redis.Channel):
    """
    A channel whose entries are sifted; a subclass has the *sieve*.

    `_brpop_read` and `_get` are kombu's (5.7), but for what becomes of the entry.
    """

    sieve: Sieve

    # kombu's, which its stubs do not know.
    connection_errors: tuple[type[Exception], ...]
    _queue_cycle: Any
    _flush_brpop_reauth: Callable[[], None]
    _q_for_pri: Callable[[str, int], str]

    def _brpop_read(self, **options: Any) -> bool:
        try:
            found = self._blocking_pop(**options)
            if not found:
                raise Empty
            key, raw = found
            lane = bytes_to_str(key).rsplit(self.sep, 1)[0]
            self._queue_cycle.rotate(lane)
            payload = self._sifted(raw, lane)
            if payload is not None:
                self.connection._deliver(payload, lane)  # noqa: SLF001 - as kombu's own channel does it
            return True
        finally:
            self._in_poll = None
            self._flush_brpop_reauth()

    def _blocking_pop(self, **options: Any) -> Any:
        try:
            return self.client.parse_response(self.client.connection, "BRPOP", **options)
        except self.connection_errors:
            self.client.connection.disconnect()
            raise

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:  # noqa: ARG002 (kombu's)
        with self.conn_or_acquire() as client:
            for step in self.priority_steps:
                while raw := client.rpop(self._q_for_pri(queue, step)):
                    payload = self._sifted(raw, queue)
                    if payload is not None:
                        return payload
        raise Empty

    def _sifted(self, raw: bytes, lane: str) -> dict[str, Any] | None:
        """Return the payload of a sound entry; put one back that could not be set aside."""
        try:
            return self.sieve.sift(raw, lane=lane)
        except (RedisError, OSError) as error:
            logger.warning("queue entry not quarantined yet", extra={"error": type(error).__name__})
            with self.conn_or_acquire() as client:
                client.lpush(lane, raw)
            return None

    def _deliver_fanout_message(self, message: Any, exchange: str) -> bool:
        """Drop what was broadcast and is no message: nobody waits for it."""
        plain: Any = super()
        try:
            return bool(plain._deliver_fanout_message(message, exchange))  # noqa: SLF001 - this very method
        except self.connection_errors:
            raise
        except Exception as error:  # noqa: BLE001 - whatever kombu stumbles over
            logger.warning("broadcast dropped", extra={"error": type(error).__name__})
            return False
