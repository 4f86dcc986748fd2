"""Handing mails in by name: plain Celery messages, and attachments in the Redis beside the queue."""

from __future__ import annotations

import hashlib
import time
import uuid
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from producers.integrations.answers import Status
from producers.integrations.failures import Misconfigured, Unavailable
from producers.integrations.words import LANES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from celery import Celery
    from kombu import Producer
    from redis import Redis

    from producers.integrations.mails import Letter

_TASK: Final = "send_email"
_REDIS: Final = ("redis", "rediss")
_RABBITMQ: Final = ("amqp", "amqps", "pyamqp")
#: Where workers look for stored bytes, by their SHA-256; and for how many seconds they are kept.
_BLOB: Final = "postroom:blob:"
_LIFETIME: Final = 7 * 24 * 3600
#: What a web request may lose to a queue that is away, in seconds.
_PROMPT: Final = {"socket_connect_timeout": 2, "socket_timeout": 5}
_SETTINGS: Final[dict[str, Any]] = {
    "task_serializer": "json",
    "accept_content": ["json"],
    "result_accept_content": ["json"],
    "broker_connection_timeout": 2.0,
    "broker_pool_acquire_timeout": 2.0,
    "task_publish_retry_policy": {"max_retries": 1, "interval_start": 0, "interval_max": 0.2},
    "redis_socket_connect_timeout": 2,
    "redis_socket_timeout": 5,
    "result_backend_transport_options": {"retry_policy": {"timeout": 2.0, "max_retries": 1}},
}
#: Messages that share a round trip, where kombu can do that.
_BATCH: Final = 500
#: Seconds between two looks for a result, at first and at most.
_FIRST_LOOK: Final = 0.05
_LAST_LOOK: Final = 1.0
_INTERNAL_ERROR: Final = 699
_CANCELLED: Final = 650


class ByName:
    """
    Puts mails into the queue at *broker_url*, and reads results from the Redis at *journal_url*.

    The latter is the broker's, unless that is a RabbitMQ.
    """

    def __init__(self, broker_url: str, journal_url: str = "") -> None:
        scheme = _scheme(broker_url)
        if scheme not in (*_REDIS, *_RABBITMQ):
            raise Misconfigured(
                f"broker_url: {scheme or 'it'} is no scheme that can be used here; must be redis://, "
                "rediss:// or amqp://; behind sentinels, use gateway_url"
            )
        journal_url = journal_url or (broker_url if scheme in _REDIS else "")
        if _scheme(journal_url) not in _REDIS:
            raise Misconfigured("journal_url: must be redis:// or rediss://, where the workers' journal is")
        self._broker_url = broker_url
        self._journal_url = journal_url
        self._queue = _publishing_app(broker_url)
        self._results = _reading_app(journal_url)

    def hand_in(self, letters: Sequence[Letter]) -> Iterator[str]:
        """
        Store the attachments, put the letters into their queues, and yield their ids.

        Raises:
            Unavailable: the queue is away; some of the letters may be in it.
        """
        with _told_as_unavailable():
            fields = self._with_stored_files(letters)
            ids = [str(uuid.uuid4()) for _ in letters]
            tasks = list(zip(ids, fields, (letter.lane for letter in letters), strict=True))
            try:
                self._publish(tasks)
            except _lost_connections():
                # The kept connection was dead. Some may be there twice now: under one id they are one mail.
                self._publish(tasks)
        yield from ids

    def look_up(self, mail_id: str, *, wait: float) -> Status:
        """Return where a mail stands; one that nobody ever handed in is `queued`, as Celery has it."""
        pause, last_moment = _FIRST_LOOK, time.monotonic() + wait
        while True:
            with _told_as_unavailable():
                status = _status(mail_id, self._results.backend.get_task_meta(mail_id))
            left = last_moment - time.monotonic()
            if status.is_final or left <= 0:
                return status
            time.sleep(min(pause, left))
            pause = min(2 * pause, _LAST_LOOK)

    def _publish(self, tasks: Sequence[tuple[str, dict[str, Any], str]]) -> None:
        with self._queue.producer_or_acquire() as producer, _together(producer, len(tasks)):
            for mail_id, fields, lane in tasks:
                self._queue.send_task(
                    _TASK,
                    kwargs=fields,
                    task_id=mail_id,
                    queue=lane,
                    producer=producer,
                    # Without these two, monitors and logs would show what the mail says.
                    argsrepr="()",
                    kwargsrepr="{…}",
                )

    def _with_stored_files(self, letters: Sequence[Letter]) -> list[dict[str, Any]]:
        digests = [[hashlib.sha256(file.content).hexdigest() for file in letter.files] for letter in letters]
        content = {
            digest: file.content
            for letter, found in zip(letters, digests, strict=True)
            for file, digest in zip(letter.files, found, strict=True)
        }
        if content:
            with _redis(self._journal_url) as redis:
                for digest, data in content.items():
                    redis.set(_BLOB + digest, data, ex=_LIFETIME)
        return [
            letter.with_references(
                [f"stored:{digest}/{file.name}" for file, digest in zip(letter.files, found, strict=True)]
            )
            for letter, found in zip(letters, digests, strict=True)
        ]


def _scheme(url: str) -> str:
    return urlsplit(url).scheme.lower() if "://" in url else ""


def _publishing_app(broker_url: str) -> Celery:
    """Return an app that publishes to *broker_url*, and that is told of no results."""
    from celery import Celery  # noqa: PLC0415 - who uses the gateway needs no Celery
    from kombu import Exchange, Queue  # noqa: PLC0415 - as above

    class App(Celery):
        """CELERY_BROKER_URL, which may be the web application's own, would win over what an app is given."""

        def connection_for_write(self, url: str | None = None, **options: Any) -> Any:
            return super().connection_for_write(url or broker_url, **options)

    app = App("postroom.by_name", broker=broker_url, set_as_current=False)
    app.backend_cls = "disabled"
    app.conf.update(_SETTINGS)
    is_rabbitmq = _scheme(broker_url) in _RABBITMQ
    app.conf.broker_transport_options = {"confirm_publish": True} if is_rabbitmq else dict(_PROMPT)
    # As the workers declare them: RabbitMQ refuses a queue that is declared in another way.
    arguments = {"x-queue-type": "quorum"} if is_rabbitmq else {}
    app.conf.task_queues = [
        Queue(lane, Exchange(lane, type="direct"), routing_key=lane, queue_arguments=arguments)
        for lane in LANES
    ]
    return app


def _reading_app(results_url: str) -> Celery:
    from celery import Celery  # noqa: PLC0415 - as above

    app = Celery("postroom.results", set_as_current=False)
    app.backend_cls = results_url
    app.conf.update(_SETTINGS)
    return app


def _redis(url: str) -> Redis:
    from redis import Redis  # noqa: PLC0415 - as above; celery[redis] brings it

    return Redis.from_url(url, **_PROMPT)


def _together(producer: Producer, count: int) -> Any:
    # kombu 5.7 sends many messages in a few round trips; older ones send each by itself.
    batch: Any = getattr(producer, "batch", None)
    return batch(_BATCH) if batch and count > 1 else nullcontext()


def _lost_connections() -> tuple[type[Exception], ...]:
    from kombu.exceptions import OperationalError  # noqa: PLC0415 - as above
    from redis.exceptions import ConnectionError as RedisConnectionError  # noqa: PLC0415 - as above

    return (OperationalError, RedisConnectionError, OSError)


@contextmanager
def _told_as_unavailable() -> Iterator[None]:
    from kombu.exceptions import KombuError  # noqa: PLC0415 - as above
    from redis.exceptions import RedisError  # noqa: PLC0415 - as above

    try:
        yield
    except (KombuError, RedisError, OSError) as error:
        # Not the error's own text: it may have the URL, and with it a password.
        raise Unavailable(f"the queue cannot be reached ({type(error).__name__})") from error


def _status(mail_id: str, meta: dict[str, Any]) -> Status:
    result, state = meta.get("result"), meta["status"]
    if state == "SUCCESS" and isinstance(result, dict):
        code = result["code"]
        found = "cancelled" if code == _CANCELLED else result["delivery"]
        return Status(mail_id, found, result["success"], code, result["message"], result)
    if state == "FAILURE":
        text = "an error of the worker; its log has it under this id"
        return Status(mail_id, "not_sent", success=False, code=_INTERNAL_ERROR, message=text)
    return Status(mail_id, {"RETRY": "retrying", "STARTED": "sending"}.get(state, "queued"))
