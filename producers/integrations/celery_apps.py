"""The Celery apps that publish by name and read results, however the web application has set up its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from producers.integrations.words import LANES

if TYPE_CHECKING:
    from celery import Celery

REDIS: Final = ("redis", "rediss")
RABBITMQ: Final = ("amqp", "amqps", "pyamqp")
#: kombu and redis-py try twice, each after at most one connect: so many waits make up what a caller waits.
_STEPS: Final = 4
_SETTINGS: Final[dict[str, Any]] = {
    "task_serializer": "json",
    "accept_content": ["json"],
    "result_accept_content": ["json"],
    "task_publish_retry_policy": {"max_retries": 1, "interval_start": 0, "interval_max": 0.2},
}


def scheme_of(url: str) -> str:
    """Return the scheme of *url* in lower case, empty if there is none."""
    return urlsplit(url).scheme.lower() if "://" in url else ""


def timeouts(patience: float) -> dict[str, float]:
    """Return the timeouts of a Redis client where a call may take about *patience* seconds."""
    return {"socket_connect_timeout": patience / _STEPS, "socket_timeout": patience / _STEPS}


def publishing_app(broker_url: str, patience: float) -> Celery:
    """Return an app that publishes to *broker_url*, and that is told of no results."""
    from celery import Celery  # noqa: PLC0415 - who uses the gateway needs no Celery
    from kombu import Exchange, Queue  # noqa: PLC0415 - as above

    class App(Celery):
        """CELERY_BROKER_URL, which may be the web application's own, would win over what an app is given."""

        def connection_for_write(self, url: str | None = None, **options: Any) -> Any:
            return super().connection_for_write(url or broker_url, **options)

    # Without Celery's fixups, one of which puts the current folder before all others for imports.
    app = App("postroom.by_name", broker=broker_url, set_as_current=False, fixups=[])
    app.backend_cls = "disabled"
    app.conf.update(_SETTINGS)
    app.conf.update(broker_connection_timeout=patience / _STEPS, broker_pool_acquire_timeout=patience)
    is_rabbitmq = scheme_of(broker_url) in RABBITMQ
    # A RabbitMQ that hangs would be waited for without them.
    bounds = {"read_timeout": patience / _STEPS, "write_timeout": patience / _STEPS}
    confirmed = {"confirm_publish": True, **bounds}
    app.conf.broker_transport_options = confirmed if is_rabbitmq else timeouts(patience)
    # As the workers declare them: RabbitMQ refuses a queue that is declared in another way.
    arguments = {"x-queue-type": "quorum"} if is_rabbitmq else {}
    app.conf.task_queues = [
        Queue(lane, Exchange(lane, type="direct"), routing_key=lane, queue_arguments=arguments)
        for lane in LANES
    ]
    return app


def reading_app(results_url: str, patience: float) -> Celery:
    """Return an app that reads the results at *results_url*."""
    from celery import Celery  # noqa: PLC0415 - as above

    app = Celery("postroom.results", set_as_current=False, fixups=[])
    app.backend_cls = results_url
    step = patience / _STEPS
    app.conf.update(
        _SETTINGS,
        redis_socket_connect_timeout=step,
        redis_socket_timeout=step,
        result_backend_transport_options={"retry_policy": {"timeout": patience, "max_retries": 1}},
    )
    return app
