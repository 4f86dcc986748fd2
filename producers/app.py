"""The Celery app that producers publish with, and how one mail is published with it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from celery import Celery
from kombu import Exchange, Queue

from tasks.contract.names import TASK_NAME, Lane
from tasks.contract.places import celery_settings, celery_url, queue_arguments
from tasks.contract.queue import PRODUCER_SETTINGS, PUBLISH_OPTIONS

if TYPE_CHECKING:
    from kombu import Connection, Producer

#: Seconds for RabbitMQ to confirm a message, and for each of its other answers. Another connection is tried
#: after that, twice for two seconds: what comes together is what a caller may wait.
LONGEST_CONFIRMATION: Final = 1.0


class _App(Celery):
    """
    An app that publishes where it was told to, and that has no results to subscribe to.

    Celery's own variables, such as CELERY_BROKER_URL, win over the URL that an app is given; a web app may
    have them for a broker of its own, where nobody would take our mails.
    """

    def __init__(self, broker_url: str) -> None:
        self._broker_url = celery_url(broker_url)
        super().__init__("postroom.client", broker=self._broker_url, set_as_current=False)

    def connection_for_write(self, url: str | None = None, **options: Any) -> Connection:
        """Return a connection to the broker that was named."""
        return super().connection_for_write(url or self._broker_url, **options)


def producer_app(broker_url: str) -> Celery:
    """Return an app for the broker, with a queue for each lane."""
    app = _App(broker_url)
    app.conf.update(celery_settings(PRODUCER_SETTINGS, broker_url, patience=LONGEST_CONFIRMATION))
    arguments = queue_arguments(broker_url)
    app.conf.task_queues = [
        Queue(lane, Exchange(lane, type="direct"), routing_key=lane, queue_arguments=arguments)
        for lane in Lane
    ]
    return app


def send(app: Celery, producer: Producer, *, mail_id: str, payload: str, lane: str) -> None:
    """Publish a mail as an ordinary Celery message; *payload* is the JSON text of its arguments."""
    app.send_task(
        TASK_NAME,
        kwargs=json.loads(payload),
        task_id=mail_id,
        # As text: an enum's member would stay one in the message until it is encoded.
        queue=str(lane),
        producer=producer,
        confirm_timeout=LONGEST_CONFIRMATION,
        **PUBLISH_OPTIONS,
    )
