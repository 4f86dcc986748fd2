"""Deliveries as an operator handles them, whichever key's they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from producers.connections import connect, reaching
from producers.errors import DeliveryNotFound, NoWebhook, ReceiverDisabled
from producers.hooks.ledger import Ledger
from producers.hooks.views import DeliveryState, Replay

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from producers.hooks.deliveries import DeliveryOptions
    from producers.hooks.views import Delivery, Health
    from producers.web.keys import Key
    from producers.web.webhook import Webhook


class HookRoom:
    """
    The deliveries of all of *keys*, by their ids.

    Every method raises `QueueUnavailable` within a few seconds when the journal is away.
    """

    def __init__(self, journal_url: str, *, keys: Mapping[str, Key], options: DeliveryOptions) -> None:
        self._redis = connect(journal_url)
        self._keys = keys
        self._ledger = Ledger(self._redis, options=options)

    def deliveries(self, key_id: str | None, *, state: DeliveryState | None, most: int) -> list[Delivery]:
        """Return the newest deliveries of a key, or of all keys."""
        with reaching():
            found = [
                delivery
                for each in ([key_id] if key_id else self._keys)
                for delivery in self._ledger.page(each, state=state, before=None, size=most)[0]
            ]
        return sorted(found, key=lambda delivery: delivery.made_at, reverse=True)[:most]

    def delivery(self, delivery_id: str) -> Delivery:
        """
        Return one delivery.

        Raises:
            DeliveryNotFound: there is none of this id (any more).
        """
        with reaching():
            found = self._ledger.get(delivery_id)
        if found is None:
            raise DeliveryNotFound(delivery_id)
        return found

    def replay(self, delivery_id: str) -> Delivery:
        """
        Have a delivery made again, now, and return it.

        Raises:
            DeliveryNotFound: there is none of this id (any more).
            NoWebhook: its key has no webhook any more.
            ReceiverDisabled: its key's webhook is disabled.
        """
        found = self.delivery(delivery_id)
        webhook = self._webhook(found.key_id)
        with reaching():
            outcome = self._ledger.replay(delivery_id, key_id=found.key_id, webhook=webhook)
        if outcome is Replay.DISABLED:
            raise ReceiverDisabled(found.key_id)
        return self.delivery(delivery_id)

    def replay_failed(self, key_id: str) -> Iterator[Delivery]:
        """
        Have all deliveries of a key made again that have failed, and yield them.

        Raises:
            NoWebhook: the key has no webhook.
            ReceiverDisabled: it is disabled.
        """
        self._webhook(key_id)
        before: int | None = None
        while True:
            with reaching():
                failed, before = self._ledger.page(
                    key_id, state=DeliveryState.FAILED, before=before, size=100
                )
            yield from (self.replay(delivery.delivery_id) for delivery in failed)
            if before is None:
                return

    def try_out(self, key_id: str) -> Delivery:
        """
        Have an event delivered that is about no mail.

        Raises:
            NoWebhook: the key has no webhook.
        """
        self._webhook(key_id)
        with reaching():
            return self.delivery(self._ledger.try_out(key_id))

    def health(self, key_id: str) -> Health:
        """
        Return how the receiver of a key is.

        Raises:
            NoWebhook: the key has no webhook.
        """
        webhook = self._webhook(key_id)
        with reaching():
            return self._ledger.health(key_id, webhook)

    def close(self) -> None:
        """Close the connection to the journal."""
        self._redis.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _webhook(self, key_id: str) -> Webhook:
        key = self._keys.get(key_id)
        if key is None or key.revoked_at or key.webhook is None:
            raise NoWebhook(key_id)
        return key.webhook
