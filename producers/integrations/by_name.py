"""Handing mails in by name: plain Celery messages, and attachments in the Redis beside the queue."""

from __future__ import annotations

import hashlib
import time
import uuid
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final

from producers.integrations.answers import Status
from producers.integrations.celery_apps import (
    RABBITMQ,
    REDIS,
    publishing_app,
    reading_app,
    scheme_of,
    timeouts,
)
from producers.integrations.failures import Misconfigured, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kombu import Producer

    from producers.integrations.mails import Letter

_TASK: Final = "send_email"
#: Where workers look for stored bytes, by their SHA-256; and for how many seconds they are kept.
_BLOB: Final = "postroom:blob:"
_LIFETIME: Final = 7 * 24 * 3600
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

    def __init__(self, broker_url: str, journal_url: str = "", *, patience: float) -> None:
        scheme = scheme_of(broker_url)
        if scheme not in (*REDIS, *RABBITMQ):
            raise Misconfigured(
                f"broker_url: {scheme or 'it'} is no scheme that can be used here; must be redis://, "
                "rediss:// or amqp://; behind sentinels, use gateway_url"
            )
        journal_url = journal_url or (broker_url if scheme in REDIS else "")
        if scheme_of(journal_url) not in REDIS:
            raise Misconfigured("journal_url: must be redis:// or rediss://, where the workers' journal is")
        self._journal_url = journal_url
        self._patience = patience
        self._queue = publishing_app(broker_url, patience)
        self._results = reading_app(journal_url, patience)

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
        self._publish(tasks)
        yield from ids

    def look_up(self, mail_id: str, *, wait: float) -> Status:
        """Return where a mail stands; one that nobody ever handed in is `queued`, as Celery has it."""
        pause, last_moment = _FIRST_LOOK, time.monotonic() + wait
        while True:
            with _told_as_unavailable():
                status = _settled(mail_id, self._results.backend.get_task_meta(mail_id))
            left = last_moment - time.monotonic()
            if status.is_final or left <= 0:
                return status
            time.sleep(min(pause, left))
            pause = min(2 * pause, _LAST_LOOK)

    def close(self) -> None:
        """Close the connections."""
        self._queue.close()
        self._results.close()

    def _publish(self, tasks: Sequence[tuple[str, dict[str, Any], str]]) -> None:
        with (
            _told_as_unavailable(),
            self._queue.producer_or_acquire() as producer,
            _together(producer, len(tasks)),
        ):
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
        named = [
            [(hashlib.sha256(file.content).hexdigest(), file) for file in letter.files] for letter in letters
        ]
        contents = {digest: file.content for pairs in named for digest, file in pairs}
        if contents:
            from redis import Redis  # noqa: PLC0415 - as in celery_apps; celery[redis] brings it

            with Redis.from_url(self._journal_url, **timeouts(self._patience)) as redis:
                for digest, content in contents.items():
                    redis.set(_BLOB + digest, content, ex=_LIFETIME)
        return [
            letter.with_references([f"stored:{digest}/{file.name}" for digest, file in pairs])
            for letter, pairs in zip(letters, named, strict=True)
        ]


def _together(producer: Producer, count: int) -> Any:
    # kombu 5.7 sends many messages in a few round trips; older ones send each by itself.
    batch: Any = getattr(producer, "batch", None)
    return batch(_BATCH) if batch and count > 1 else nullcontext()


@contextmanager
def _told_as_unavailable() -> Iterator[None]:
    from kombu.exceptions import KombuError  # noqa: PLC0415 - as above
    from redis.exceptions import RedisError  # noqa: PLC0415 - as above

    try:
        yield
    except (KombuError, RedisError, OSError) as error:
        # Not the error's own text: it may have the URL, and with it a password.
        raise Unavailable(f"the queue cannot be reached ({type(error).__name__})") from error


def _settled(mail_id: str, meta: dict[str, Any]) -> Status:
    result, state = meta.get("result"), meta["status"]
    if state == "SUCCESS" and isinstance(result, dict):
        code = result["code"]
        # One that some had got before it was cancelled stays partial.
        is_cancelled = code == _CANCELLED and result["delivery"] == "not_sent"
        found = "cancelled" if is_cancelled else result["delivery"]
        return Status(mail_id, found, result["success"], code, result["message"], result)
    if state == "FAILURE":
        text = "an error of the worker; its log has it under this id"
        return Status(mail_id, "not_sent", success=False, code=_INTERNAL_ERROR, message=text)
    return Status(mail_id, {"RETRY": "retrying", "STARTED": "sending"}.get(state, "queued"))
