"""Hearing of the first message that comes into an empty queue, without taking it out."""

from __future__ import annotations

import time
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any, Final

from redis.exceptions import (
    ConnectionError,  # noqa: A004 (Redis, not the system, is away)
    ResponseError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: Seconds after which a bell rings anyhow: then the queue's lists of lower priority are looked at, and it is
#: certain that the server is still there.
_LONGEST: Final = 1
#: Seconds after which a bell that rang in vain hangs again, where the time before was so long ago: of a burst
#: it rings again sooner, and what comes after a long rest may be the first of one.
_REST: Final = 0.05
_TRICKLE: Final = (0.01, 1.0)


@dataclass(slots=True)
class _Bell:
    """
    A connection that waits for one queue; *since* is when it began, None while it does not.

    *has_rung* says that there was a message and nobody looked yet, *is_answered* that whoever listens has
    taken one since it hangs, for which it will ring; *vain_at* is when it rang in vain last, and *again_at*
    the moment before which it hangs no more.
    """

    queue: str
    client: Any
    since: float | None = None
    has_rung: bool = False
    is_answered: bool = False
    vain_at: float = -inf
    again_at: float = 0.0


class Bells:
    """
    A blocked connection for each empty queue of *channel*, watched by its poller.

    BLMOVE from a list's end to the same end changes nothing, and is answered as soon as there is something.
    *ring* is called with the queue's name. All workers are told of each message, and one gets it. While mails
    trickle in, the others do not listen for a moment, or each would wake them all.
    """

    def __init__(self, channel: Any, ring: Callable[[str], object]) -> None:
        self._channel = channel
        self._ring = ring
        self._bells: dict[str, _Bell] = {}

    def listen(self, queues: Iterable[str]) -> None:
        """
        Listen for a message in each of *queues*.

        Raises:
            redis.RedisError: Redis cannot be reached.
        """
        for queue in queues:
            bell = self._bells.get(queue) or self._hang(queue)
            if (bell.since is None or not self._is_watched(bell)) and time.monotonic() >= bell.again_at:
                self._wait(bell)

    def answer(self, queue: str, *, is_any: bool) -> None:
        """Note whether there was any message in *queue* when it was looked for."""
        bell = self._bells.get(queue)
        if bell is None:
            return
        has_rung, bell.has_rung = bell.has_rung, False
        if is_any:
            # Whatever made it look: who was told of this message found none, and may not listen now.
            bell.is_answered, bell.again_at = True, 0.0
        elif has_rung:
            self._rest(bell)

    def check(self, patience: float) -> None:
        """
        Find out whether an answer is overdue by *patience* seconds.

        One that has come and was not read is not: a worker whose Redis is far away takes long to start,
        and one that was frozen has looked at nothing meanwhile.

        Raises:
            redis.ConnectionError: one is. What is silent here is silent on every other connection as well,
                the one for remote control among them, the last to notice: all are made anew.
        """
        for bell in self._bells.values():
            if bell.since is None or time.monotonic() - bell.since <= _LONGEST + patience:
                continue
            if not bell.client.connection.can_read():
                bell.client.connection.disconnect()
                raise ConnectionError("Redis does not answer")
            self._hear(bell)

    def _hang(self, queue: str) -> _Bell:
        bell = self._bells[queue] = _Bell(queue, self._channel.make_client())
        bell.client.connection = bell.client.connection_pool.get_connection()
        self._channel.handlers[_kind(queue)] = lambda: self._hear(bell)
        return bell

    def _is_watched(self, bell: _Bell) -> bool:
        sockets = self._channel.connection.cycle._chan_to_sock  # noqa: SLF001 (as kombu's own poller does it)
        watched = sockets.get((self._channel, bell.client, _kind(bell.queue)))
        return watched is not None and watched is bell.client.connection._sock  # noqa: SLF001

    def _rest(self, bell: _Bell) -> None:
        """Note that *bell* rang in vain; it hangs no more for a moment while mails trickle in."""
        now = time.monotonic()
        shortest, longest = _TRICKLE
        if shortest <= now - bell.vain_at <= longest:
            bell.again_at = now + _REST
            self._channel.call_later(_REST)
        bell.vain_at = now

    def _wait(self, bell: _Bell) -> None:
        bell.since = None
        if not self._is_watched(bell):
            poller = self._channel.connection.cycle
            poller._register(self._channel, bell.client, _kind(bell.queue))  # noqa: SLF001 (as above)
        bell.client.connection.send_command("BLMOVE", bell.queue, bell.queue, "RIGHT", "RIGHT", _LONGEST)
        bell.since, bell.is_answered = time.monotonic(), False

    def _hear(self, bell: _Bell) -> None:
        bell.since = None
        try:
            is_any = bell.client.connection.read_response() is not None
            bell.has_rung = is_any and not bell.is_answered
            self._channel.refusals.end("heard")
        except ResponseError as error:
            self._channel.refusals.add("heard", error)
        except self._channel.connection_errors:
            bell.client.connection.disconnect()
            raise
        finally:
            self._ring(bell.queue)


def _kind(queue: str) -> str:
    """Return under which name the poller knows the bell of *queue*."""
    return f"BELL {queue}"
