"""Acknowledging many messages at a time, and putting many back."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from kombu.transport import redis, virtual
from redis.exceptions import RedisError, ResponseError

from worker.trims.scripts import ACKNOWLEDGE, GIVE_BACK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from worker.trims.channel import FetchingChannel

#: Messages that one call of a script is about; Redis does nothing else meanwhile.
_AT_ONCE: Final = 200
#: Seconds for which an acknowledgement waits for others.
_LONGEST: Final = 0.05


class GroupedQoS(redis.QoS):
    """
    kombu's ledger of unacknowledged messages, written in groups.

    Acknowledgements wait for others for a moment; the channel calls `flush_due` at each turn of the
    consumer's loop. Whoever dies meanwhile has their messages delivered again, and the journal has the
    results. Moments are the server's: kombu compares those of the workers' own clocks, and one that is fast
    steals messages.
    """

    # kombu's, which its stubs do not know.
    channel: FetchingChannel
    _delivered: Any
    _flush: Callable[[], None]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._acknowledged: list[str] = []
        self._since = 0.0

    def note(self, tags: Iterable[str]) -> None:
        """Note what was fetched as delivered, whether or not a message will be made of it."""
        self._delivered.update(dict.fromkeys(tags))

    def append(self, message: Any, delivery_tag: str) -> None:
        """Note a message as delivered; one that was fetched stands in Redis already."""
        if delivery_tag in self.channel.in_flight:
            virtual.QoS.append(self, message, delivery_tag)
        else:
            super().append(message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        """Note a message as done with."""
        if not self._acknowledged:
            self._since = time.monotonic()
        self._acknowledged.append(delivery_tag)
        # kombu only marks it, for threads of whom here is one, and forgets it when the next one is delivered.
        self._delivered.pop(delivery_tag, None)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:  # noqa: FBT001, FBT002 (kombu's)
        """Give a message back, or drop it."""
        if requeue:
            self.give_back([delivery_tag])
        else:
            self.ack(delivery_tag)

    @property
    def pending(self) -> int:
        """How many acknowledgements wait."""
        return len(self._acknowledged)

    def flush_due(self) -> None:
        """Flush what has waited long enough, and still waits where it is refused. Raises as `flush`."""
        if self.pending < _AT_ONCE and (not self.pending or time.monotonic() - self._since < _LONGEST):
            return
        try:
            self.flush()
        except ResponseError as error:
            self.channel.refusals.add("acknowledged", error)
        else:
            self.channel.refusals.end("acknowledged")

    def flush(self) -> None:
        """
        Have Redis forget what was acknowledged.

        Raises:
            redis.RedisError: it cannot be reached; the messages come again, and the journal has the results.
        """
        if not self._acknowledged:
            return
        with self.channel.conn_or_acquire() as client:
            ACKNOWLEDGE.run(client, (self.unacked_index_key, self.unacked_key), self._acknowledged)
        tags, self._acknowledged = self._acknowledged, []
        self.channel.in_flight.forget(tags)

    def restore_unacked_once(self, stderr: Any = None) -> None:
        """Have Redis forget what was acknowledged, and give back what was not, at the channel's end."""
        # kombu does nothing at all where nothing is left to be given back.
        with suppress(RedisError):
            self.flush()
        super().restore_unacked_once(stderr)

    def restore_unacked(self, client: Any = None) -> None:  # noqa: ARG002 (kombu's)
        """Give back all that was delivered and not acknowledged."""
        self.flush()
        self._flush()
        # Some of what was fetched may not have been delivered yet.
        self.give_back(list(dict.fromkeys([*self.channel.in_flight, *self._delivered])))
        self._delivered.clear()

    def restore_visible(self, *_: Any, **__: Any) -> None:
        """Give back what some worker took long ago and never acknowledged."""
        with self.channel.conn_or_acquire() as client:
            keys = (self.unacked_index_key, self.unacked_key)
            GIVE_BACK.run(client, keys, (self.visibility_timeout, _AT_ONCE))

    def give_back(self, tags: list[str]) -> None:
        """
        Put the messages of *tags* back into their queues.

        Raises:
            redis.RedisError: Redis cannot be reached; they come again after the visibility timeout.
        """
        keys = (self.unacked_index_key, self.unacked_key)
        with self.channel.conn_or_acquire() as client:
            # The newest first, so that the oldest is the next one in its queue.
            for end in range(len(tags), 0, -_AT_ONCE):
                GIVE_BACK.run(client, keys, ("", "", *tags[max(0, end - _AT_ONCE) : end]))
        for tag in tags:
            self._delivered.pop(tag, None)
        self.channel.in_flight.forget(tags)
