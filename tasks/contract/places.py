"""Where queue, results and journal are: what their URLs say, and how Celery must be set up for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from tasks.contract.sentinels import SCHEME, Sentinels, is_cut_short

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Schemes of URLs that a journal can have.
REDIS_SCHEMES: Final = ("redis", "rediss", "unix", SCHEME)

_RABBITMQ_SCHEMES: Final = ("amqp", "amqps", "pyamqp")

#: In the place of Redis' options, which would be handed to the AMQP client. Without confirmation a message
#: that RabbitMQ did not get looks like one that it has.
_RABBITMQ: Final[Mapping[str, Any]] = {
    "broker_transport_options": {"confirm_publish": True},
    "broker_heartbeat": 10,
    "broker_connection_timeout": 2.0,
    "task_default_queue_type": "quorum",
}


def scheme_of(url: str) -> str:
    """Return the scheme of *url*, in lower case; empty if there is none."""
    return url.partition("://")[0].lower() if "://" in url else ""


def is_sentinel(url: str) -> bool:
    """Whether *url* names sentinels."""
    return scheme_of(url) == SCHEME


def is_redis(url: str) -> bool:
    """Whether *url* names a Redis or Valkey, with sentinels or without."""
    return scheme_of(url) in REDIS_SCHEMES


def is_rabbitmq(url: str) -> bool:
    """Whether *url* names a RabbitMQ."""
    return scheme_of(url) in _RABBITMQ_SCHEMES


def check(url: str) -> None:
    """
    Check that *url* can be split.

    Raises:
        ValueError: it cannot; it is not repeated.
    """
    if is_sentinel(url):
        Sentinels.parse(url)
        return
    try:
        parts = urlsplit(url)
        # Reading the port is what raises for a password with a bare '/' or '#', which ends the host there.
        is_whole = parts.port != 0 and not is_cut_short(parts)
    except ValueError:
        is_whole = False
    if not is_whole or "://" not in url:
        raise ValueError("is no URL that can be used; percent-encode the special characters of a password")


def celery_url(url: str) -> str:
    """
    Return *url* as Celery wants it for its broker or its result backend.

    Raises:
        ValueError: it names sentinels in a way that cannot be used.
    """
    if scheme_of(url) == "unix":
        return "redis+socket" + url[len("unix") :].replace("?db=", "?virtual_host=")
    return Sentinels.parse(url).celery_url if is_sentinel(url) else url


def queue_arguments(broker_url: str) -> dict[str, str]:
    """Return the arguments that every program must declare our queues with."""
    return {"x-queue-type": "quorum"} if is_rabbitmq(broker_url) else {}


def celery_settings(
    base: Mapping[str, Any], broker_url: str, results_url: str = "", *, patience: float | None = None
) -> dict[str, Any]:
    """
    Return the settings *base* (those of a producer or of a worker) for these URLs.

    *patience* is how many seconds an answer of RabbitMQ is waited for by whoever only publishes and asks; for
    Redis, *base* says it.

    Raises:
        ValueError: a URL names sentinels in a way that cannot be used.
    """
    settings = dict(base)
    if is_rabbitmq(broker_url):
        settings |= _RABBITMQ
        if patience is not None:
            # Without them declaring a queue, and closing, would wait for ever.
            bounds = {"read_timeout": patience, "write_timeout": patience}
            settings["broker_transport_options"] = {**settings["broker_transport_options"], **bounds}
    urls = {"broker_transport_options": broker_url, "result_backend_transport_options": results_url}
    for name, url in urls.items():
        if is_sentinel(url):
            settings[name] = {**settings[name], **Sentinels.parse(url).celery_options}
    return settings
