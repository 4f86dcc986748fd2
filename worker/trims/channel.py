"""A channel that fetches many messages at a time."""

from __future__ import annotations

import logging
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import uuid4

from kombu.transport import virtual
from redis.exceptions import RedisError, ResponseError

from worker.envelopes import Flaw, Poison, examine
from worker.transport import SiftingChannel
from worker.trims.bells import Bells
from worker.trims.in_flight import InFlight, Room
from worker.trims.qos import GroupedQoS
from worker.trims.refusals import Refusals
from worker.trims.scripts import FETCH
from worker.trims.window import PAUSE

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

#: Bytes that one fetch takes.
_MOST_BYTES: Final = 4 * 1024 * 1024


class Fetched(NamedTuple):
    """An entry as it was fetched from *queue*, with the tag by which it is acknowledged."""

    tag: str
    queue: str
    raw: bytes


class FetchedMessage(virtual.Message):
    """A message under the tag by which it was fetched; what its producer called it stays as it came."""

    def __init__(self, payload: Any, channel: Any = None, **kwargs: Any) -> None:
        super().__init__(payload, channel=channel, **kwargs)
        self.delivery_tag = channel.tag_of_delivery or self.delivery_tag


class FetchingChannel(SiftingChannel):
    """
    A channel that moves messages in groups, by a script, to where unacknowledged ones stand.

    kombu takes them one by one with BRPOP and writes them down afterwards: whoever dies in between loses one,
    and so does a connection that is half open. Here nothing is ever in neither place. A queue that was found
    empty has a bell, which tells of the first message that comes.
    """

    QoS = GroupedQoS
    Message = FetchedMessage

    # kombu's, which its stubs do not know.
    qos: GroupedQoS
    connection: Any
    pool: Any
    active_queues: Any
    active_fanout_queues: set[str]
    unacked_key: str
    unacked_index_key: str
    handlers: dict[str, Callable[[], object]]
    _create_client: Callable[..., Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._kept: tuple[Any, Any] = (None, None)
        self.in_flight = InFlight()
        #: Of the message that is being delivered.
        self.tag_of_delivery = ""
        #: Queues whose consumers acknowledge nothing, such as those of answers to remote control.
        self._unacknowledged: set[str] = set()
        self._empty: set[str] = set()
        #: When the loop looks whether there is more that may be fetched by then.
        self._look_at = 0.0
        self.refusals = Refusals(self.call_later)
        self.bells = Bells(self, self._empty.discard)
        super().__init__(*args, **kwargs)

    def short_cut(self, fetched: list[Fetched]) -> list[Fetched]:
        """
        Take what needs no message of kombu's, and return the rest.

        A consumer that can do so puts its own function in the place of this one, which takes nothing.
        """
        return fetched

    def message_of(self, fetched: Fetched) -> virtual.Message:
        """
        Return what was *fetched* as kombu has it; any thread may ask.

        Raises:
            Flaw: it is no message.
        """
        verdict = examine(fetched.raw, lane=fetched.queue)
        if isinstance(verdict, Poison):
            raise Flaw(verdict.reason)
        message = self.Message(verdict.payload, channel=self)
        # Not by way of the channel, whose tag is that of what the consumer's thread delivers just now.
        message.delivery_tag = fetched.tag
        return message

    def make_client(self) -> Any:
        """Return a client whose connections the poller can watch."""
        return self._create_client(asynchronous=True)

    def conn_or_acquire(self, client: Any = None) -> Any:
        """Lend a client: the kept one, where kombu makes another for each command."""
        if client is None:
            pool = self.pool
            if self._kept[0] is not pool:
                self._kept = pool, self._create_client()
            client = self._kept[1]
        return nullcontext(client)

    def basic_consume(self, queue: str, no_ack: bool, *args: Any, **kwargs: Any) -> Any:  # noqa: FBT001 (kombu's)
        """Consume from *queue*; of one with *no_ack* a message is done with once it is delivered."""
        (self._unacknowledged.add if no_ack else self._unacknowledged.discard)(queue)
        return super().basic_consume(queue, no_ack, *args, **kwargs)

    def serve(self) -> None:
        """
        Do what is to be done at a turn of the loop: acknowledge, fetch and deliver, or listen for the bells.

        Raises:
            redis.RedisError: Redis cannot be reached.
        """
        if not self.refusals.is_resting:
            self.qos.flush_due()
        queues = self.active_queues
        # What is acknowledged in vain must not become more and more.
        if not queues or self.refusals.is_resting:
            return
        is_more = not self._empty.issuperset(queues)
        room = self.in_flight.room(self.qos.prefetch_count, done=self.qos.pending, is_more=is_more)
        if is_more:
            self._fetch(queues, room)
        self.bells.listen([queue for queue in queues if queue in self._empty])

    def _fetch(self, queues: list[str], room: Room) -> None:
        if room.messages or (room.first and queues[0] not in self._empty):
            self._move(queues, room)
        if room.grows:
            self._look_again()

    def _move(self, queues: list[str], room: Room) -> None:
        prefix = f"{uuid4()}:"
        lists = [self._q_for_pri(queue, step) for queue in queues for step in self.priority_steps]
        counts = room.messages, room.first, _MOST_BYTES
        arguments: list[str | int] = [*counts, prefix, len(self.priority_steps), *queues]
        try:
            with self.conn_or_acquire() as client:
                found = FETCH.run(client, (self.unacked_index_key, self.unacked_key, *lists), arguments)
        except ResponseError as error:
            self.refusals.add("fetched", error)
            return
        self._empty.update(queue for queue, (left, *_) in zip(queues, found, strict=True) if not left)
        for queue, (_, *raws) in zip(queues, found, strict=True):
            self.bells.answer(queue, is_any=bool(raws))
        messages = [(queue, raw) for queue, (_, *raws) in zip(queues, found, strict=True) for raw in raws]
        fetched = [Fetched(f"{prefix}{number}", *message) for number, message in enumerate(messages, start=1)]
        for tag, _, raw in fetched:
            self.in_flight.add(tag, len(raw))
        self.qos.note(tag for tag, _, _ in fetched)
        self._hand_on(fetched)
        if fetched:
            self.refusals.end("fetched")
        if fetched and not self._empty.issuperset(queues):
            # The loop must not rest before the rest was fetched.
            self.call_later(0.0)

    def _look_again(self) -> None:
        """Have the loop take a turn when more may be fetched: nothing else may happen until then."""
        now = time.monotonic()
        if now >= self._look_at:
            self._look_at = now + PAUSE
            self.call_later(PAUSE)

    def call_later(self, seconds: float) -> None:
        """Have the loop take a turn after *seconds*."""
        self.connection.cycle.call_later(seconds)

    def _hand_on(self, fetched: list[Fetched]) -> None:
        for tag, queue, raw in self.short_cut(fetched):
            self._take(tag, queue, raw)

    def _take(self, tag: str, queue: str, raw: bytes) -> None:
        try:
            payload = self.sieve.sift(raw, lane=queue)
        except (RedisError, OSError) as error:
            logger.warning("queue entry not quarantined yet", extra={"error": type(error).__name__})
            self.qos.give_back([tag])
            return
        if payload is None:
            self.qos.ack(tag)
            return
        self.tag_of_delivery = tag
        try:
            self.connection._deliver(payload, queue)  # noqa: SLF001 - as kombu's own channel does it
        finally:
            self.tag_of_delivery = ""
        if queue in self._unacknowledged:
            self.qos.ack(tag)
