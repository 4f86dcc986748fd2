"""Deliveries as their key's holder sees them: listed, looked at, made again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from producers.hooks.deliveries import (
    ATTEMPTS,
    COUNTS,
    DELIVERY,
    DUE,
    KEYS,
    LISTED,
    RECEIVER,
    UNDER_WAY,
    Deliveries,
    DeliveryOptions,
)
from producers.hooks.events import Event
from producers.hooks.scripts import script
from producers.hooks.views import FIELDS, Delivery, DeliveryState, Health, Numbers, Replay
from tasks.journal.keys import ENDED
from tasks.journal.scripts import Call, run_script

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis import Redis

    from producers.web.webhook import Webhook

_REPLAY: Final = script("replay")
#: Deliveries that a search looks at together, and how often: a rare state may be a thousand away.
_A_LOOK: Final = 100
_MOST_LOOKS: Final = 10


class Ledger:
    """
    The deliveries of all keys.

    Every method raises `redis.RedisError` when Redis cannot be reached.
    """

    def __init__(self, redis: Redis, *, options: DeliveryOptions | None = None) -> None:
        self._redis = redis
        self._options = options or DeliveryOptions()

    def get(self, delivery_id: str, *, key_id: str | None = None) -> Delivery | None:
        """Return a delivery, None where there is none (any more), or it is of another key than *key_id*."""
        [found] = self._read([(delivery_id, 0)])
        return found if found and key_id in {None, found.key_id} else None

    def page(
        self, key_id: str, *, state: DeliveryState | None, before: int | None, size: int
    ) -> tuple[list[Delivery], int | None]:
        """
        Return at most *size* deliveries of a key, newest first, and the place where the next page begins.

        A search for a state looks at a thousand at most, so a page may be short and not the last.
        """
        found: list[Delivery] = []
        for _ in range(_MOST_LOOKS):
            places = self._places(key_id, before)
            for delivery, (_, place) in zip(self._read(places), places, strict=True):
                before = place
                if delivery and state in {None, delivery.state}:
                    found.append(delivery)
                if len(found) == size:
                    return found, before
            if len(places) < _A_LOOK:
                return found, None
        return found, before

    def replay(self, delivery_id: str, *, key_id: str, webhook: Webhook) -> Replay:
        """Have a delivery of the key made again, from its first attempt on."""
        queues = (DUE + key_id, UNDER_WAY + key_id, RECEIVER + key_id, KEYS)
        retention = round(self._options.retention * 1000)
        call = Call(
            (DELIVERY + delivery_id, ATTEMPTS + delivery_id, *queues),
            (delivery_id, key_id, webhook.fingerprint, retention),
        )
        [answer] = run_script(self._redis, _REPLAY, [call])
        return Replay(answer.decode())

    def try_out(self, key_id: str) -> str:
        """
        Have an event delivered that is about no mail, and return the delivery's id.

        A receiver that is disabled gets it too, and is enabled again when it takes it.
        """
        event = Event.trial(key_id)
        Deliveries(self._redis, options=self._options).admit([event])
        return event.delivery_id

    def health(self, key_id: str, webhook: Webhook) -> Health:
        """Return how the receiver of a key is."""
        names = ("address", "failing", "disabled", "reason")
        found = cast("list[bytes | None]", self._redis.hmget(RECEIVER + key_id, names))
        return Health.read(found[1:]) if found[0] == webhook.fingerprint.encode() else Health()

    def numbers(self) -> Numbers:
        """Return the numbers of all deliveries together."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.hgetall(COUNTS)
        pipeline.zrange(KEYS, 0, -1, withscores=True)
        pipeline.xlen(ENDED)
        pipeline.time()
        counts, keys, unread, (seconds, microseconds) = pipeline.execute()
        pipeline = self._redis.pipeline(transaction=False)
        for key_id, _ in keys:
            pipeline.zcard(DUE + key_id.decode())
        now = seconds + microseconds / 1e6
        earliest = min((due / 1000 for _, due in keys), default=now)
        outcomes = {name.decode(): int(count) for name, count in counts.items()}
        return Numbers(outcomes, sum(pipeline.execute()), unread, max(0.0, now - earliest))

    def _places(self, key_id: str, before: int | None) -> list[tuple[str, int]]:
        highest = "+inf" if before is None else f"({before}"
        found = self._redis.zrevrangebyscore(
            LISTED + key_id, highest, "-inf", start=0, num=_A_LOOK, withscores=True
        )
        scored = cast("list[tuple[bytes, float]]", found)
        return [(delivery_id.decode(), int(score)) for delivery_id, score in scored]

    def _read(self, places: Sequence[tuple[str, int]]) -> list[Delivery | None]:
        pipeline = self._redis.pipeline(transaction=False)
        for delivery_id, _ in places:
            pipeline.hmget(DELIVERY + delivery_id, FIELDS)
            pipeline.lrange(ATTEMPTS + delivery_id, 0, -1)
        answers = iter(pipeline.execute())
        found = [Delivery.read(delivery_id, next(answers), next(answers)) for delivery_id, _ in places]
        pending = [each for each in found if each and each.state is DeliveryState.PENDING]
        for each in pending:
            pipeline.zscore(DUE + each.key_id, each.delivery_id)
        due = dict(zip((each.delivery_id for each in pending), pipeline.execute(), strict=True))
        return [each and each.due_at(due.get(each.delivery_id)) for each in found]
