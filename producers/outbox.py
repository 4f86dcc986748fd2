"""Where mails leave the producer: first the journal, then the queue."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from producers.app import producer_app
from producers.connections import connect, reaching
from producers.publishing import Publisher
from producers.rest import Rest
from producers.stencils import Stencils
from tasks.contract.names import Lane
from tasks.journal.blobs import BlobStore
from tasks.journal.control import Control, Resend
from tasks.journal.entries import Entry
from tasks.journal.journal import Journal
from tasks.journal.link import Link
from tasks.journal.records import Acceptance
from tasks.journal.sealing import seal_with

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import SecretStr

    from tasks.contract.parameters import SendEmail
    from tasks.journal.entries import Request
    from tasks.journal.records import Accepted, Record

#: Brokers in which a queue is a list, and a lane's list has the lane's name.
_REDIS_SCHEMES: Final = ("redis://", "rediss://")

#: The digit that says in an id of which kind it is, by a random one.
_VARIANT: Final = {f"{number:x}": "89ab"[number % 4] for number in range(16)}


class Outbox:
    """
    The way of valid mails into journal and queue, and back to their records.

    Where *is_lean* and the broker is a Redis, messages are filled in stencils; they are published in the step
    that records the mail if the journal is there too. Every method raises `QueueUnavailable` within a few
    seconds when the journal is away.
    """

    def __init__(
        self,
        broker_url: str,
        *,
        journal_url: str | None,
        sealing_keys: Sequence[SecretStr] = (),
        is_lean: bool = True,
    ) -> None:
        self._seal = seal_with(sealing_keys)
        self._app = producer_app(broker_url)
        self._redis = connect(journal_url or broker_url)
        self._journal = Journal(self._redis, link=Link(self._redis))
        self._control = Control(self._redis, seal=self._seal)
        self._blobs = BlobStore(self._redis, seal=self._seal)
        self._journal_rest = Rest()
        self._publisher = Publisher(self._app)
        is_redis = broker_url.startswith(_REDIS_SCHEMES)
        self._stencils = Stencils(self._app) if is_lean and is_redis else None
        self._queue = connect(broker_url) if is_redis and journal_url not in {None, broker_url} else None

    def hand_in(
        self,
        requests: Sequence[Request],
        *,
        lane: Lane,
        send_at: datetime | None = None,
        mail_ids: Sequence[str] | None = None,
        notify: Sequence[str] | None = None,
    ) -> list[Accepted]:
        """
        Record the mails and publish the new ones that are due: what was recorded is kept.

        *mail_ids* are the ids that they shall have, where somebody needs to know them beforehand; *notify*
        says for each who is told of its end, empty for nobody.
        """
        entries = self.prepare(requests, lane=lane, send_at=send_at, mail_ids=mail_ids)
        if notify and any(notify):
            entries = [replace(entry, notify=who) for entry, who in zip(entries, notify, strict=True)]
        return self.deliver(entries)

    def prepare(
        self,
        requests: Sequence[Request],
        *,
        lane: Lane,
        send_at: datetime | None = None,
        mail_ids: Sequence[str] | None = None,
    ) -> list[Entry]:
        """Return the entries of the mails, sealed where there is a seal; the first half of `hand_in`."""
        # As exact as the journal's clock: less than a millisecond is no delay.
        delay = round(max(0.0, (send_at - datetime.now(UTC)).total_seconds()), 3) if send_at else 0.0
        run = dict(zip(mail_ids or map(_new_id, requests), requests, strict=True))
        return Entry.of_run(run, lane.value, delay=delay, seal=self._seal)

    def deliver(self, entries: Sequence[Entry]) -> list[Accepted]:
        """Record and publish the mails; the second half of `hand_in`."""
        messages = self._messages(entries)
        in_one_step = self._queue is None and bool(messages)
        with reaching(), self._journal_rest.turn():
            accepted = self._journal.accept(entries, messages=messages.values() if in_one_step else ())
        if not in_one_step:
            new = {answer.mail_id for answer in accepted if answer.outcome is Acceptance.ACCEPTED}
            self._publish([e for e in entries if e.mail_id in new and not e.delay], messages)
        return accepted

    def look_up(self, mail_ids: Sequence[str]) -> list[Record | None]:
        """Return the records of mails, None for one that does not exist."""
        with reaching(), self._journal_rest.turn():
            return self._journal.look_up(mail_ids)

    def cancel(self, mail_id: str) -> None:
        """Cancel the mail if it waits; whether it did, its record tells."""
        with reaching(), self._journal_rest.turn():
            stray = self._control.cancel(mail_id)
        if stray:
            self._publisher.publish([stray])

    def resend(self, mail_id: str, request: SendEmail, *, force: bool) -> Resend:
        """Open a settled mail again and publish it, or say why not."""
        entry = Entry.of(mail_id, Lane.DEFAULT, request, seal=self._seal)
        with reaching(), self._journal_rest.turn():
            outcome, lane = self._control.resend(entry, recipients=len(request.recipients), force=force)
        if outcome is Resend.QUEUED:
            self._publisher.publish([replace(entry, lane=lane)])
        return outcome

    def store(self, content: bytes) -> str:
        """Store the bytes of an attachment and return their digest."""
        with reaching(), self._journal_rest.turn():
            return self._blobs.put(content)

    def close(self) -> None:
        """Close the connections to broker and journal."""
        self._app.close()
        self._redis.close()
        if self._queue:
            self._queue.close()

    def _messages(self, entries: Sequence[Entry]) -> dict[str, bytes]:
        """Return the message of each mail, empty where it is due later; none where Celery must make them."""
        filled = self._stencils.fill(entries) if self._stencils else []
        return {e.mail_id: b"" if e.delay else m for e, m in zip(entries, filled, strict=False)}

    def _publish(self, entries: Sequence[Entry], messages: Mapping[str, bytes]) -> None:
        if self._queue and messages:
            self._publisher.push(self._queue, entries, [messages[entry.mail_id] for entry in entries])
        elif entries:
            self._publisher.publish(entries)


def _new_id(_: object) -> str:
    # What `uuid.uuid4` makes (RFC 9562, section 5.4), in a third of its time.
    digits = os.urandom(16).hex()
    variant = _VARIANT[digits[16]]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
