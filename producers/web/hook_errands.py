"""Webhooks as requests of a key: counted, and about its own deliveries only. Everything blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from producers.connections import reaching

if TYPE_CHECKING:
    from producers.hooks.ledger import Ledger
    from producers.hooks.views import Delivery, DeliveryState, Health, Replay
    from producers.web.keys import Key
    from producers.web.rates import Allowance, Rates
    from producers.web.webhook import Webhook


class Seen(NamedTuple):
    """A delivery; None where it is not the key's, long past, or the key has gone too fast."""

    allowance: Allowance
    delivery: Delivery | None
    replay: Replay | None = None


class Listed(NamedTuple):
    """A page of deliveries, and the place before which the next one begins; None at the end."""

    allowance: Allowance
    deliveries: tuple[Delivery, ...]
    before: int | None


class HookErrands:
    """Every method raises `QueueUnavailable` within seconds when the journal is away."""

    def __init__(self, ledger: Ledger, *, rates: Rates) -> None:
        self._ledger = ledger
        self._rates = rates

    def health(self, key: Key, webhook: Webhook) -> tuple[Allowance, Health | None]:
        """Say how the receiver of *key* is."""
        with reaching():
            allowance = self._count(key)
            return allowance, self._ledger.health(key.id, webhook) if allowance.is_granted else None

    def page(self, key: Key, *, state: DeliveryState | None, before: int | None, size: int) -> Listed:
        """List the deliveries of *key*, newest first."""
        with reaching():
            allowance = self._count(key)
            if not allowance.is_granted:
                return Listed(allowance, (), None)
            found, end = self._ledger.page(key.id, state=state, before=before, size=size)
        return Listed(allowance, tuple(found), end)

    def get(self, key: Key, delivery_id: str) -> Seen:
        """Look a delivery of *key* up."""
        with reaching():
            allowance = self._count(key)
            return Seen(allowance, self._find(key, delivery_id) if allowance.is_granted else None)

    def replay(self, key: Key, webhook: Webhook, delivery_id: str) -> Seen:
        """Have a delivery of *key* made again."""
        with reaching():
            allowance = self._count(key)
            if not allowance.is_granted:
                return Seen(allowance, None)
            outcome = self._ledger.replay(delivery_id, key_id=key.id, webhook=webhook)
            return Seen(allowance, self._find(key, delivery_id), outcome)

    def try_out(self, key: Key) -> Seen:
        """Have an event delivered that is about no mail."""
        with reaching():
            allowance = self._count(key)
            if not allowance.is_granted:
                return Seen(allowance, None)
            return Seen(allowance, self._find(key, self._ledger.try_out(key.id)))

    def _find(self, key: Key, delivery_id: str) -> Delivery | None:
        return self._ledger.get(delivery_id, key_id=key.id)

    def _count(self, key: Key) -> Allowance:
        return self._rates.take([(key, 1)])[0]
