"""What is known of deliveries and receivers, for those who look at them."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from tasks.journal.records import moment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

#: The fields of a delivery's hash that `Delivery.read` needs.
FIELDS: Final = (b"key", b"state", b"type", b"mail", b"made", b"tries")


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class Replay(StrEnum):
    """What became of the wish to have a delivery made again."""

    QUEUED = "queued"
    MISSING = "missing"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt, as `posting.Attempt` was written down."""

    at: datetime
    seconds: float
    status: int | None
    error: str | None
    excerpt: str

    @classmethod
    def read(cls, text: bytes) -> Tried:
        """Read what was written down."""
        stored = json.loads(text)
        at = moment(round(stored.pop("at") * 1000))
        return cls(at, round(stored.pop("seconds"), 3), **stored)


@dataclass(frozen=True, slots=True)
class Delivery:
    """
    A delivery and its last attempts, oldest first.

    *tries* counts from when it was made, or made again; *due* is None unless it is pending.
    """

    delivery_id: str
    key_id: str
    state: DeliveryState
    type: str
    mail_id: str | None
    made_at: datetime
    tries: int
    due: datetime | None
    attempts: tuple[Tried, ...]

    @classmethod
    def read(
        cls, delivery_id: str, stored: Sequence[bytes | None], attempts: Sequence[bytes]
    ) -> Delivery | None:
        """Read a delivery from its hash, in the order of `FIELDS`, and its attempts; None if it is gone."""
        key_id, state, kind, mail_id, made, tries = (value.decode() if value else "" for value in stored)
        if not key_id:
            return None
        return cls(
            delivery_id=delivery_id,
            key_id=key_id,
            state=DeliveryState(state),
            type=kind,
            mail_id=mail_id or None,
            made_at=moment(int(made)),
            tries=int(tries),
            due=None,
            attempts=tuple(Tried.read(attempt) for attempt in attempts),
        )

    def due_at(self, milliseconds: float | None) -> Delivery:
        """Return it with the moment at which it is due."""
        return self if milliseconds is None else replace(self, due=moment(int(milliseconds)))


@dataclass(frozen=True, slots=True)
class Health:
    """How a receiver is: since when it fails, since when it is disabled and why; None while all is well."""

    failing_since: datetime | None = None
    disabled_at: datetime | None = None
    reason: str | None = None

    @classmethod
    def read(cls, stored: Sequence[bytes | None]) -> Health:
        """Read it from the fields "failing", "disabled" and "reason"."""
        failing, disabled, reason = stored
        return cls(
            moment(int(failing)) if failing else None,
            moment(int(disabled)) if disabled else None,
            reason.decode() if reason else None,
        )


@dataclass(frozen=True, slots=True)
class Numbers:
    """All deliveries together: attempts by outcome since ever, what waits, and for how long it is overdue."""

    outcomes: Mapping[str, int]
    pending: int
    unread: int
    seconds_late: float
