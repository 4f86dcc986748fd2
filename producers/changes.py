"""Which mails change, as it happens: Redis tells which records of the journal are written."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, Self

from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import ResponseError

from producers.connections import connect, reaching
from tasks.journal.keys import MAIL

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Where Redis publishes the names of keys that were written.
_CHANNEL: Final = "__redis__:invalidate"
#: Mails that are told of together, at most.
_MOST: Final = 500
#: Seconds in which changes of the same mail become one.
_TOGETHER: Final = 0.1
#: Seconds after which it is made sure that Redis still tells.
_SURE_FOR: Final = 5.0


class CannotFollow(Exception):
    """The server does not tell of changes, or may not; the text says why."""


class Changes:
    """
    The ids of mails whose records are written, from the moment that the block is entered.

    Redis sends the names of keys and nothing of what is in them; it keeps no list of them (tracking with
    BCAST). Celery's events would need workers that send them, know nothing of mails that wait, and can be
    sent by whoever reaches the broker.

    Raises:
        QueueUnavailable: the journal cannot be reached, or no longer; what happens then is missed.
        CannotFollow: the server is older than Redis 6, or forbids CLIENT TRACKING.
    """

    def __init__(self, journal_url: str) -> None:
        # With RESP3 the names would come by the connection that asks for them, which has to read for them.
        self._redis = connect(journal_url, protocol=2)
        self._tracker: Any = None
        self._inbox: Any = self._redis.pubsub()  # type: ignore[no-untyped-call]  # redis-py's
        self._tracker_id = 0
        self._looked = 0.0

    def __enter__(self) -> Self:
        try:
            with reaching():
                self._begin()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._inbox.close()
        if self._tracker:
            self._tracker.close()
        self._redis.close()

    def next(self, within: float) -> list[str]:
        """Return the ids of mails that changed, each once, after *within* seconds at the latest."""
        with reaching():
            self._make_sure()
            return list(dict.fromkeys(self._names(within)))

    def _begin(self) -> None:
        self._tracker = self._redis.client()  # type: ignore[no-untyped-call]  # redis-py's
        self._inbox.execute_command("CLIENT", "ID")
        target = self._inbox.parse_response()
        self._inbox.subscribe(_CHANNEL)
        line = ("CLIENT", "TRACKING", "ON", "REDIRECT", target, "BCAST", "PREFIX", MAIL)
        try:
            self._tracker.execute_command(*line)
        except ResponseError as refused:
            raise CannotFollow(
                "the server does not tell of changes, which takes Redis 6 or Valkey and the right to CLIENT "
                f"TRACKING ({refused})"
            ) from None
        self._tracker_id = self._tracker.client_id()

    def _names(self, within: float) -> Iterator[str]:
        until = time.monotonic() + within
        count = 0
        while count < _MOST and (remaining := until - time.monotonic()) > 0:
            message = self._inbox.get_message(timeout=remaining)
            if message is None or message["type"] != "message":
                continue
            if not count:
                until = min(until, time.monotonic() + _TOGETHER)
            # Without names: everything was dropped (FLUSHALL).
            for name in message["data"] or ():
                count += 1
                yield name.decode("utf-8", "replace").removeprefix(MAIL)

    def _make_sure(self) -> None:
        """Notice that the connection was lost that tells Redis what to tell: it would fall silent."""
        if time.monotonic() - self._looked < _SURE_FOR:
            return
        self._looked = time.monotonic()
        if self._tracker.client_id() != self._tracker_id:
            raise ConnectionLost("the connection was lost")
