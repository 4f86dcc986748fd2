"""A channel that fetches many messages at a time."""

from __future__ import annotations

import logging
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import uuid4

from kombu.transport import virtual
from redis.exceptions import RedisError, ResponseError

from worker.envelopes import Flaw, Poison, examine
from worker.transport import SiftingChannel
from worker.trims.bells import Bells
from worker.trims.qos import GroupedQoS
from worker.trims.refusals import Refusals
from worker.trims.scripts import FETCH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

logger = logging.getLogger(__name__)

#: Messages that a channel without a limit of its own has in hand at most.
_NO_LIMIT: Final = 512
#: Messages of the first lane that are fetched although there is no room, so that a full house is no obstacle
#: for the mails that are in the greatest hurry.
_EXTRA: Final = 32
#: Messages and bytes that one fetch takes, and bytes in hand with which none begins.
_AT_ONCE: Final = 100
_MOST_BYTES: Final = 4 * 1024 * 1024
_MOST_IN_HAND: Final = 64 * 1024 * 1024
#: The part of the limit that must be free for a fetch: with most of it in hand nobody waits for more.
_WORTH_IT: Final = 8


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
        #: What is in hand: the bytes of each message by its tag.
        self.fetched: dict[str, int] = {}
        #: Of the message that is being delivered.
        self.tag_of_delivery = ""
        #: Queues whose consumers acknowledge nothing, such as those of answers to remote control.
        self._unacknowledged: set[str] = set()
        self._bytes = 0
        self._empty: set[str] = set()
        self.refusals = Refusals(self._call_later)
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
        room, extra = self._room()
        is_worth_it = room > 0 if queues[0] in self._empty else room + extra > 0
        if is_worth_it and not self._empty.issuperset(queues):
            self._fetch(queues, room, extra)
        self.bells.listen([queue for queue in queues if queue in self._empty])

    def forget(self, tags: Iterable[str]) -> None:
        """Note that these messages are not in hand any more."""
        for tag in tags:
            self._bytes -= self.fetched.pop(tag, 0)

    def _room(self) -> tuple[int, int]:
        """Return for how many messages there is room, and for how many more of the first lane."""
        limit = self.qos.prefetch_count or _NO_LIMIT
        in_hand = len(self.fetched) - self.qos.pending
        room = min(_AT_ONCE, limit - in_hand)
        if self._bytes >= _MOST_IN_HAND or room < limit // _WORTH_IT < _AT_ONCE:
            room = 0
        return max(0, room), max(0, min(_EXTRA, limit + _EXTRA - in_hand - room))

    def _fetch(self, queues: list[str], room: int, extra: int) -> None:
        prefix = f"{uuid4()}:"
        lists = [self._q_for_pri(queue, step) for queue in queues for step in self.priority_steps]
        arguments: list[str | int] = [room, extra, _MOST_BYTES, prefix, len(self.priority_steps), *queues]
        try:
            with self.conn_or_acquire() as client:
                found = FETCH.run(client, (self.unacked_index_key, self.unacked_key, *lists), arguments)
        except ResponseError as error:
            self.refusals.add("fetched", error)
            return
        self._empty.update(queue for queue, (left, *_) in zip(queues, found, strict=True) if not left)
        messages = [(queue, raw) for queue, (_, *raws) in zip(queues, found, strict=True) for raw in raws]
        fetched = [Fetched(f"{prefix}{number}", *message) for number, message in enumerate(messages, start=1)]
        self.fetched.update((tag, len(raw)) for tag, _, raw in fetched)
        self._bytes += sum(len(raw) for _, _, raw in fetched)
        self.qos.note(tag for tag, _, _ in fetched)
        self._hand_on(fetched)
        if fetched:
            self.refusals.end("fetched")
            # The loop must not rest before it was seen whether there is more.
            self._call_later(0.0)

    def _call_later(self, seconds: float) -> None:
        """Have the loop take a turn after *seconds*."""
        if loop := self.connection.cycle.loop:
            if seconds:
                loop.call_later(seconds, _nothing)
            else:
                loop.call_soon(_nothing)

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


def _nothing() -> None:
    """Do nothing, soon."""
