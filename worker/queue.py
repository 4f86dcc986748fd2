"""The Celery app of a worker: its queues, and what stands between them and the worker's loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery import Celery
from kombu import Exchange, Queue

from tasks.contract.names import Lane
from tasks.contract.queue import WORKER_SETTINGS
from worker.transport import sifting

if TYPE_CHECKING:
    from kombu import Connection

    from worker.sieve import Sieve


class QueueApp(Celery):
    """An app on the three lanes; with a *sieve*, whatever it consumes has passed through it."""

    def __init__(self, broker_url: str, *, backend: str | None = None, sieve: Sieve | None = None) -> None:
        super().__init__("postroom", broker=broker_url, backend=backend, set_as_current=False)
        self.conf.update(WORKER_SETTINGS)
        self.conf.task_queues = [
            Queue(lane, Exchange(lane, type="direct"), routing_key=lane) for lane in Lane
        ]
        self.sieve = sieve
        if sieve:
            self.conf.worker_consumer = "worker.consumer:SafeConsumer"

    def connection_for_read(self, url: str | None = None, **options: Any) -> Connection:
        """Return a connection to consume from."""
        connection = super().connection_for_read(url, **options)
        if self.sieve:
            connection.transport_cls = sifting(connection.transport_cls, self.sieve)
        return connection
