"""The Celery app of a worker: its queues, and what stands between them and the worker's loop."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import kombu
from celery import Celery

from tasks.contract.names import Lane
from tasks.contract.places import celery_settings, celery_url, queue_arguments
from tasks.contract.queue import WORKER_SETTINGS
from worker.dispatch.events import GroupedEvents
from worker.transport import sifting
from worker.trims.transport import fetching

if TYPE_CHECKING:
    from worker.sieve import Sieve

#: Seconds for RabbitMQ to confirm a message, and for each answer to an app that only publishes and asks.
LONGEST_CONFIRMATION: Final = 5.0


class SiftingConnection(kombu.Connection):
    """
    A connection whose transport has a sieve, and with *trims* fetches messages in groups.

    For whoever asks for its name, and after each failover, the transport is the one that the URL names.
    """

    def __init__(self, *arguments: Any, sieve: Sieve, trims: bool = False, **options: Any) -> None:
        self._sieve = sieve
        self._trims = trims
        super().__init__(*arguments, **options)

    def get_transport_cls(self) -> Any:
        """Return the class of the transport."""
        plain: Any = super().get_transport_cls()
        return fetching(plain, self._sieve) if self._trims else sifting(plain, self._sieve)

    def clone(self, **options: Any) -> kombu.Connection:
        """Return another connection to the same place."""
        return super().clone(sieve=self._sieve, trims=self._trims, **options)


class QueueApp(Celery):
    """
    An app on the three lanes.

    With a *sieve*, whatever it consumes has passed through it; with *trims*, it uses Redis more sparingly.
    """

    def __init__(
        self,
        broker_url: str,
        *,
        backend: str | None = None,
        sieve: Sieve | None = None,
        trims: bool = False,
    ) -> None:
        super().__init__(
            "postroom",
            events=f"{GroupedEvents.__module__}:{GroupedEvents.__name__}",
            broker=celery_url(broker_url),
            backend=backend and celery_url(backend),
            set_as_current=False,
        )
        patience = None if sieve else LONGEST_CONFIRMATION
        self.conf.update(celery_settings(WORKER_SETTINGS, broker_url, backend or "", patience=patience))
        self.arguments = queue_arguments(broker_url)
        self.conf.task_queues = [
            kombu.Queue(lane, kombu.Exchange(lane), routing_key=lane, queue_arguments=self.arguments)
            for lane in Lane
        ]
        self.sieve = sieve
        if sieve:
            amqp: Any = self.amqp
            amqp.Connection = partial(SiftingConnection, sieve=sieve, trims=trims)
            self.conf.worker_consumer = "worker.consumer:SafeConsumer"
