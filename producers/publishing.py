"""Publishing mails that the journal has; a worker's sweeper makes up for a failure, so that is no error."""

from __future__ import annotations

import logging
from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from kombu.exceptions import KombuError, OperationalError
from redis.exceptions import RedisError

from producers.app import send
from producers.measure import BATCH
from producers.rest import Rest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from celery import Celery
    from redis import Redis

    from tasks.journal.entries import Entry
    from tasks.journal.sweeper import Stray

logger = logging.getLogger(__name__)

#: Seconds for which a broker that hung is not asked again: mails are accepted without it, at once.
_BROKER_REST: Final = 5.0


class Publisher:
    """Puts mails into the queues of a broker."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._rest = Rest(_BROKER_REST)

    def publish(self, mails: Sequence[Entry | Stray]) -> None:
        """Have Celery publish *mails*; this works with every broker."""
        with _forgiving(len(mails)):
            self._rest.check()
            # A hang is noted before the producer is free for the next thread that waits for one.
            with self._app.producer_or_acquire() as producer, self._rest.turn(), producer.batch(BATCH):
                for mail in mails:
                    send(self._app, producer, mail_id=mail.mail_id, payload=mail.payload, lane=mail.lane)

    def push(self, redis: Redis, entries: Sequence[Entry], messages: Sequence[bytes]) -> None:
        """Put the *messages* of *entries* into their queues, which are lists of *redis*."""
        queues: defaultdict[str, list[bytes]] = defaultdict(list)
        for entry, message in zip(entries, messages, strict=True):
            queues[entry.lane].append(message)
        with _forgiving(len(entries)), self._rest.turn():
            for lane, waiting in queues.items():
                redis.lpush(lane, *waiting)


@contextmanager
def _forgiving(mails: int) -> Iterator[None]:
    try:
        yield
    except (OperationalError, KombuError, RedisError, OSError) as error:
        logger.warning("not published yet", extra={"mails": mails, "error": type(error).__name__})
