"""
Deliveries in Redis: made of events, taken by senders, settled, looked up, made again.

Each key has its own queue, ordered by due time; a delivery that is taken stays in it, due again when the
lease is over, so that nothing has to be found and put back when a sender dies.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

from producers.hooks.scripts import script
from tasks.journal.keys import ENDED
from tasks.journal.scripts import Call, run_script

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from redis import Redis

    from producers.hooks.events import Event
    from producers.hooks.posting import Attempt

_ADMIT: Final = script("admit")
_CLAIM: Final = script("claim")
_SETTLE: Final = script("settle")

DELIVERY: Final = "postroom:hook:"
ATTEMPTS: Final = "postroom:hook-attempts:"
DUE: Final = "postroom:hooks:due:"
UNDER_WAY: Final = "postroom:hooks:under-way:"
LISTED: Final = "postroom:hooks:listed:"
RECEIVER: Final = "postroom:hooks:receiver:"
KEYS: Final = "postroom:hooks:keys"
COUNTS: Final = "postroom:hooks:counts"
#: Attempts of a delivery that are kept, the last ones.
MOST_ATTEMPTS: Final = 20


@dataclass(frozen=True, slots=True)
class DeliveryOptions:
    """
    Times in seconds, and how many deliveries to one receiver are under way at once, over all senders.

    *lease* is how long a delivery stays with a sender that gives no sign of life; *retention* how long
    deliveries are kept; a receiver that has failed for *patience* is disabled.
    """

    lease: float = 20.0
    retention: float = 7 * 24 * 3600.0
    patience: float = 3 * 24 * 3600.0
    at_once: int = 8


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that is in this sender's hands; *tries* were made before."""

    delivery_id: str
    key_id: str
    number: int
    tries: int
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Settlement:
    """
    What came of a claim.

    *wait* is the time in seconds until the next attempt, None where there is none; *address* the fingerprint
    of the address that was posted to, empty where none was.
    """

    claim: Claim
    attempt: Attempt
    address: str
    wait: float | None

    @property
    def outcome(self) -> str:
        """What becomes of the delivery."""
        if self.attempt.is_delivered:
            return "delivered"
        return "failed" if self.wait is None else "retry"


class Deliveries:
    """
    What senders do with deliveries; any number of senders may share the work.

    Every method raises `redis.RedisError` when Redis cannot be reached.
    """

    def __init__(self, redis: Redis, *, options: DeliveryOptions | None = None) -> None:
        self._redis = redis
        self._options = options or DeliveryOptions()

    def ended(self, *, most: int, wait: float = 0.0) -> list[tuple[str, Mapping[bytes, bytes]]]:
        """Return the oldest entries of the stream of mails that ended; wait for some if there are none."""
        block = round(wait * 1000) or None
        found = cast("Any", self._redis.xread({ENDED: "0-0"}, count=most, block=block))
        entries = found[0][1] if found else []
        return [(entry.decode(), fields) for entry, fields in entries]

    def drop(self, entries: Sequence[str]) -> None:
        """Take entries out of the stream of which nothing is to be made."""
        if entries:
            self._redis.xdel(ENDED, *entries)

    def admit(self, events: Sequence[Event]) -> int:
        """Make the deliveries of *events*, and take these out of the stream; return how many are new."""
        retention = _milliseconds(self._options.retention)
        calls = [_admission(event, retention) for event in events]
        return sum(run_script(self._redis, _ADMIT, calls)) if calls else 0

    def due_keys(self, *, most: int) -> list[str]:
        """Return the ids of keys that have deliveries to be made now, the longest overdue first."""
        seconds, microseconds = self._redis.time()
        now = seconds * 1000 + microseconds // 1000
        found = self._redis.zrangebyscore(KEYS, "-inf", now, start=0, num=most)
        return [key_id.decode() for key_id in cast("list[bytes]", found)]

    def claim(self, addresses: Mapping[str, str]) -> list[Claim]:
        """Take what is due for each key id; *addresses* has the fingerprints of their receivers."""
        lease = _milliseconds(self._options.lease)
        calls = [
            Call(
                (DUE + key_id, UNDER_WAY + key_id, RECEIVER + key_id, KEYS, COUNTS),
                (key_id, DELIVERY, self._options.at_once, lease, address),
            )
            for key_id, address in addresses.items()
        ]
        answers = run_script(self._redis, _CLAIM, calls) if calls else []
        return [
            Claim(delivery_id.decode(), key_id, number, tries, body)
            for key_id, found in zip(addresses, answers, strict=True)
            for delivery_id, number, tries, body in found
        ]

    def settle(self, settlements: Sequence[Settlement]) -> list[bool]:
        """Note what came of claims; true for each by which a receiver has been disabled."""
        patience = _milliseconds(self._options.patience)
        calls = [_settlement(settlement, patience) for settlement in settlements]
        return [answer == 1 for answer in run_script(self._redis, _SETTLE, calls)]


def _admission(event: Event, retention: int) -> Call:
    key_id = event.key_id
    keys = (DELIVERY + event.delivery_id, DUE + key_id, LISTED + key_id, KEYS, ENDED)
    fields = ("type", event.type, "mail", event.mail_id, "body", event.body)
    return Call(keys, (event.delivery_id, key_id, event.entry, retention, *fields))


def _settlement(settlement: Settlement, patience: int) -> Call:
    claim, attempt = settlement.claim, settlement.attempt
    own = (DELIVERY + claim.delivery_id, ATTEMPTS + claim.delivery_id)
    queues = (DUE + claim.key_id, UNDER_WAY + claim.key_id, RECEIVER + claim.key_id)
    return Call(
        (*own, *queues, KEYS, COUNTS),
        (
            claim.delivery_id,
            claim.key_id,
            claim.number,
            settlement.outcome,
            _milliseconds(settlement.wait or 0.0),
            json.dumps(_told(attempt), separators=(",", ":")),
            MOST_ATTEMPTS,
            settlement.address,
            int(attempt.is_gone),
            patience,
        ),
    )


def _told(attempt: Attempt) -> dict[str, Any]:
    return {name: value for name, value in asdict(attempt).items() if name != "retry_after"}


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
