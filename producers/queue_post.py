"""The post that is a queue: a journal and a broker, reached directly."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, cast

from producers.batches import hand_in_each
from producers.errors import (
    AlreadyOnItsWay,
    AlreadySent,
    IdempotencyConflict,
    MailNotFound,
    ParametersDiffer,
    WouldDouble,
)
from producers.waiting import waiting
from tasks.contract.status import MailStatus
from tasks.journal.control import Resend
from tasks.journal.records import Acceptance

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from producers.batches import Answer, HandedIn, Message
    from producers.outbox import Outbox
    from tasks.contract.names import Lane
    from tasks.contract.parameters import SendEmail
    from tasks.contract.result import SendEmailResult
    from tasks.journal.entries import Entry
    from tasks.journal.records import Accepted, Record

_NOT_RESENT: Final = {
    Resend.MISSING: MailNotFound,
    Resend.SENT: AlreadySent,
    Resend.DIFFERENT: ParametersDiffer,
    Resend.DOUBTFUL: WouldDouble,
}


class QueuePost:
    """Hands mails to an `Outbox`, and tells what the journal says in the words of the client."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox

    def hand_in(
        self, requests: Sequence[SendEmail], *, lane: Lane, send_at: datetime | None = None
    ) -> list[Answer]:
        """Record the mails and publish those that are due."""
        return self._deliver(self.outbox.prepare(requests, lane=lane, send_at=send_at))

    def hand_in_each(
        self, messages: Iterable[Message], *, lane: Lane, send_at: datetime | None = None
    ) -> Iterator[HandedIn]:
        """Do the same for mails as they come, hundreds in a round trip."""
        return hand_in_each(
            messages,
            prepare=lambda requests: self.outbox.prepare(requests, lane=lane, send_at=send_at),
            deliver=self._deliver,
        )

    def poll(self, mail_id: str) -> MailStatus:
        """Return where the mail stands."""
        [record] = self.outbox.look_up([mail_id])
        return _status(mail_id, record)

    def wait(self, mail_id: str, *, timeout: float) -> SendEmailResult:
        """Look at the mail more and more seldom until it has its result."""
        steps = waiting(timeout)
        pause = next(steps)
        try:
            while True:
                time.sleep(pause)
                pause = steps.send(self.poll(mail_id))
        except StopIteration as done:
            return cast("SendEmailResult", done.value)

    async def wait_in_loop(self, mail_id: str, *, timeout: float) -> SendEmailResult:  # noqa: ASYNC109 (Mailer's)
        """Do the same in an event loop; each look has a thread, the pauses have none."""
        steps = waiting(timeout)
        pause = next(steps)
        try:
            while True:
                await asyncio.sleep(pause)
                pause = steps.send(await asyncio.to_thread(self.poll, mail_id))
        except StopIteration as done:
            return cast("SendEmailResult", done.value)

    def cancel(self, mail_id: str) -> MailStatus:
        """Cancel the mail if it waits, and return where it stands then."""
        self.outbox.cancel(mail_id)
        status = self.poll(mail_id)
        if not status.state.is_terminal:
            raise AlreadyOnItsWay(status)
        return status

    def resend(self, mail_id: str, request: SendEmail, *, force: bool) -> MailStatus:
        """Open a settled mail again and publish it, or raise why not."""
        outcome = self.outbox.resend(mail_id, request, force=force)
        if outcome in _NOT_RESENT:
            raise _NOT_RESENT[outcome](mail_id)
        status = self.poll(mail_id)
        if outcome is Resend.ON_ITS_WAY:
            raise AlreadyOnItsWay(status)
        return status

    def store(self, content: bytes, *, name: str) -> str:
        """Store bytes beside the journal."""
        return f"stored:{self.outbox.store(content)}/{name}"

    def close(self) -> None:
        """Close the connections to broker and journal."""
        self.outbox.close()

    def _deliver(self, entries: Sequence[Entry]) -> list[Answer]:
        return [_answer(accepted) for accepted in self.outbox.deliver(entries)]


def _answer(accepted: Accepted) -> Answer:
    """Return the id of the mail that the journal has, the first one's where its key was used before."""
    if accepted.outcome is Acceptance.CONFLICT:
        return IdempotencyConflict(accepted.mail_id)
    return accepted.mail_id


def _status(mail_id: str, record: Record | None) -> MailStatus:
    if record is None:
        raise MailNotFound(mail_id)
    result = record.result
    return MailStatus(
        mail_id=mail_id,
        state=record.state,
        code=result.code if result else record.last_code,
        message=result.message if result else record.last_message,
        result=result,
    )
