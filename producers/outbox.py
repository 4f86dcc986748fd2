"""Where mails leave the producer: first the journal, then the queue."""

from __future__ import annotations

import json
import logging
import uuid
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from celery import Celery
from kombu import Exchange, Queue
from kombu.exceptions import KombuError, OperationalError
from redis.exceptions import RedisError

from producers.connections import connect
from producers.errors import QueueUnavailable
from producers.rest import Rest
from tasks.contract.names import TASK_NAME, Lane
from tasks.contract.queue import PRODUCER_SETTINGS, PUBLISH_OPTIONS
from tasks.journal.blobs import BlobStore
from tasks.journal.control import Control, Resend
from tasks.journal.journal import Journal
from tasks.journal.records import Acceptance, Entry
from tasks.journal.sealing import seal_with

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kombu import Connection
    from pydantic import SecretStr

    from tasks.contract.parameters import SendEmail
    from tasks.journal.records import Accepted, Record, Request
    from tasks.journal.sweeper import Stray

logger = logging.getLogger(__name__)

#: Messages that share a round trip.
BATCH: Final = 500

#: Seconds for which a broker that hung is not asked again: mails are accepted without it, at once.
_BROKER_REST: Final = 5.0


class Outbox:
    """
    The way of valid mails into journal and queue, and back to their records.

    Every method raises `QueueUnavailable` within a few seconds when the journal is away.
    """

    def __init__(
        self, broker_url: str, *, journal_url: str | None, sealing_keys: Sequence[SecretStr] = ()
    ) -> None:
        self._seal = seal_with(sealing_keys)
        self._app = _app(broker_url)
        self._redis = connect(journal_url or broker_url)
        self._journal = Journal(self._redis)
        self._control = Control(self._redis, seal=self._seal)
        self._blobs = BlobStore(self._redis, seal=self._seal)
        self._journal_rest = Rest()
        self._broker_rest = Rest(_BROKER_REST)

    def hand_in(
        self,
        requests: Sequence[Request],
        *,
        lane: Lane,
        send_at: datetime | None = None,
        mail_ids: Sequence[str] | None = None,
    ) -> list[Accepted]:
        """
        Record the mails, then publish the new ones that are due: what was recorded is kept.

        *mail_ids* are the ids that they shall have, where somebody needs to know them beforehand.
        """
        delay = max(0.0, (send_at - datetime.now(UTC)).total_seconds()) if send_at else 0.0
        entries = [
            Entry.of(mail_id, lane, request, delay=delay, seal=self._seal)
            for mail_id, request in zip(mail_ids or map(_new_id, requests), requests, strict=True)
        ]
        with self._bounded():
            accepted = self._journal.accept(entries)
        if not delay:
            answers = zip(accepted, entries, strict=True)
            self._publish([e for a, e in answers if a.outcome is Acceptance.ACCEPTED], lane.value)
        return accepted

    def look_up(self, mail_ids: Sequence[str]) -> list[Record | None]:
        """Return the records of mails, None for one that does not exist."""
        with self._bounded():
            return self._journal.look_up(mail_ids)

    def cancel(self, mail_id: str) -> None:
        """Cancel the mail if it waits; whether it did, its record tells."""
        with self._bounded():
            stray = self._control.cancel(mail_id)
        if stray:
            self._publish([stray], stray.lane)

    def resend(self, mail_id: str, request: SendEmail, *, force: bool) -> Resend:
        """Open a settled mail again and publish it, or say why not."""
        entry = Entry.of(mail_id, Lane.DEFAULT, request, seal=self._seal)
        with self._bounded():
            outcome, lane = self._control.resend(entry, recipients=len(request.recipients), force=force)
        if outcome is Resend.QUEUED:
            self._publish([entry], lane)
        return outcome

    def store(self, content: bytes) -> str:
        """Store the bytes of an attachment and return their digest."""
        with self._bounded():
            return self._blobs.put(content)

    def close(self) -> None:
        """Close the connections to broker and journal."""
        self._app.close()
        self._redis.close()

    def _publish(self, mails: Sequence[Entry | Stray], lane: str) -> None:
        """Publish the journal's payloads; a worker's sweeper makes up for a failure, so that is no error."""
        try:
            self._publish_now(mails, lane)
        except (OperationalError, KombuError, RedisError, OSError) as error:
            logger.warning("not published yet", extra={"mails": len(mails), "error": type(error).__name__})

    def _publish_now(self, mails: Sequence[Entry | Stray], lane: str) -> None:
        self._broker_rest.check()
        # A hang is noted before the producer is free for the next thread that waits for one.
        with (
            self._app.producer_or_acquire() as producer,
            self._broker_rest.turn(),
            producer.batch(BATCH),
        ):
            for mail in mails:
                self._app.send_task(
                    TASK_NAME,
                    kwargs=json.loads(mail.payload),
                    task_id=mail.mail_id,
                    queue=lane,
                    producer=producer,
                    **PUBLISH_OPTIONS,
                )

    @contextmanager
    def _bounded(self) -> Iterator[None]:
        try:
            with self._journal_rest.turn():
                yield
        except (RedisError, OSError) as error:
            raise QueueUnavailable(f"the queue cannot be reached ({type(error).__name__})") from error


def _new_id(_: Request) -> str:
    return str(uuid.uuid4())


class _App(Celery):
    """
    An app that publishes where it was told to, and that has no results to subscribe to.

    Celery's own variables, such as CELERY_BROKER_URL, win over the URL that an app is given; a web app may
    have them for a broker of its own, where nobody would take our mails.
    """

    def __init__(self, broker_url: str) -> None:
        super().__init__("postroom.client", broker=broker_url, set_as_current=False)
        self._broker_url = broker_url

    def connection_for_write(self, url: str | None = None, **options: Any) -> Connection:
        """Return a connection to the broker that was named."""
        return super().connection_for_write(url or self._broker_url, **options)


def _app(broker_url: str) -> Celery:
    app = _App(broker_url)
    app.conf.update(PRODUCER_SETTINGS)
    app.conf.task_queues = [Queue(lane, Exchange(lane, type="direct"), routing_key=lane) for lane in Lane]
    return app
