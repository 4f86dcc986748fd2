"""What happened to a mail, step by step, as far as the journal knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from producers.web.pages.wording import WORDINGS
from tasks.contract.status import MailState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from tasks.contract.result import Attempt
    from tasks.journal.records import Record

#: Replies from here on are refusals; those from 600 on are our own words.
_FIRST_REFUSAL: Final = 400
#: What is to come, of a mail that is due.
_NEXT: Final[dict[str, tuple[str, str]]] = {
    MailState.QUEUED: ("Waiting", "as soon as a worker is free"),
    MailState.SENDING: ("Under way", "a worker has it"),
    MailState.RETRYING: ("Next attempt", "due now, or under way"),
}


@dataclass(frozen=True, slots=True)
class Event:
    """One step: what it is called, when it was (or will be), and what was said."""

    title: str
    tone: str
    at: datetime | None = None
    code: int | None = None
    text: str = ""
    is_to_come: bool = False


def timeline(record: Record, *, now: datetime) -> list[Event]:
    """Return the steps of a mail, oldest first; the last says what is to come, or how it ended."""
    accepted = Event("Accepted", "idle", record.accepted_at, text=f"into the lane {record.lane}")
    return [accepted, *_attempts(attempts_of(record)), _last(record, now)]


def meaning_of(record: Record, *, now: datetime) -> str:
    """Return what a mail's state means, in a sentence."""
    if record.state is MailState.QUEUED and _is_due_later(record, now):
        return "It waits until it is due."
    return WORDINGS[record.state].meaning


def attempts_of(record: Record) -> Sequence[Attempt]:
    """Return all attempts at a mail so far."""
    return record.result.attempts if record.result else record.attempts


def _attempts(attempts: Sequence[Attempt]) -> Iterator[Event]:
    for number, attempt in enumerate(attempts, start=1):
        tone = "bad" if attempt.code >= _FIRST_REFUSAL else "good"
        yield Event(f"Attempt {number}", tone, attempt.at, attempt.code, attempt.message)


def _last(record: Record, now: datetime) -> Event:
    wording = WORDINGS[record.state]
    if record.result:
        return Event(wording.name, wording.tone, record.result.finished_at, record.result.code)
    if _is_due_later(record, now):
        title = "Next attempt" if attempts_of(record) else "To be sent"
        return Event(title, "busy", record.due_at, text="not before", is_to_come=True)
    title, text = _NEXT[record.state]
    return Event(title, "busy", text=text, is_to_come=True)


def _is_due_later(record: Record, now: datetime) -> bool:
    return record.due_at is not None and record.due_at > now and record.state is not MailState.SENDING
