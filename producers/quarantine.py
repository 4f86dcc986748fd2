"""The quarantine as an operator sees it: what was set aside, put back or thrown away."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from kombu import Connection
from kombu.exceptions import KombuError, OperationalError
from kombu.transport.redis import Channel
from redis.exceptions import RedisError

from producers.away import unavailable
from producers.connections import connect
from producers.errors import EntryNotFound, NotRequeued
from tasks.contract.queue import PRODUCER_SETTINGS
from tasks.journal.quarantine import Quarantine
from tasks.journal.sealing import Unsealable, seal_with

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic import SecretStr

    from tasks.journal.quarantine import Quarantined


class QuarantineRoom:
    """
    The entries that workers have set aside.

    Every method raises `QueueUnavailable` within a few seconds when the journal, or for `requeue` the queue,
    is away.
    """

    def __init__(self, broker_url: str, *, journal_url: str, sealing_keys: Sequence[SecretStr] = ()) -> None:
        self._broker_url = broker_url
        self._redis = connect(journal_url)
        self._quarantine = Quarantine(self._redis, seal=seal_with(sealing_keys))

    def entries(self) -> list[Quarantined]:
        """Return what is known of each entry, the newest first."""
        with _bounded():
            return self._quarantine.entries()

    def entry(self, entry_id: str) -> Quarantined:
        """
        Return what is known of one entry.

        Raises:
            EntryNotFound: there is none of this id (any more).
        """
        with _bounded():
            found = self._quarantine.get(entry_id)
        if found is None:
            raise EntryNotFound(entry_id)
        return found

    def requeue(self, entry_id: str) -> Quarantined:
        """
        Put an entry back into its queue as it was; a worker that still cannot take it sets it aside again.

        A crash between the two steps leaves it in both places.

        Raises:
            EntryNotFound: there is none of this id (any more).
            NotRequeued: it was too large to be kept, is sealed with another key, or came from another broker.
        """
        entry = self.entry(entry_id)
        with _bounded():
            self._push(entry, self._raw(entry))
            self._quarantine.drop([entry_id])
        return entry

    def drop(self, entry_id: str) -> Quarantined:
        """
        Throw an entry away.

        Raises:
            EntryNotFound: there is none of this id (any more).
        """
        entry = self.entry(entry_id)
        with _bounded():
            self._quarantine.drop([entry_id])
        return entry

    def close(self) -> None:
        """Close the connection to the journal."""
        self._redis.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _raw(self, entry: Quarantined) -> bytes:
        try:
            raw = self._quarantine.raw(entry.entry_id)
        except Unsealable:
            raise NotRequeued(entry.entry_id, "it is sealed, and no key of yours opens it") from None
        if raw is None:
            raise NotRequeued(entry.entry_id, "it was too large to be kept")
        return raw

    def _push(self, entry: Quarantined, raw: bytes) -> None:
        options = PRODUCER_SETTINGS["broker_transport_options"]
        with Connection(self._broker_url, transport_options=options) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0)
            channel: Any = connection.default_channel
            if not isinstance(channel, Channel) or not entry.lane:
                raise NotRequeued(entry.entry_id, "it can be put back into a queue in Redis only")
            with channel.conn_or_acquire() as client:
                client.lpush(entry.lane, raw)


@contextmanager
def _bounded() -> Iterator[None]:
    try:
        yield
    except (RedisError, OperationalError, KombuError, OSError) as error:
        raise unavailable(error) from error
