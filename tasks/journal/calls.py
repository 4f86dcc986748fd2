"""What the journal's transitions are called with, and how their answers are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tasks.contract.result import SendEmailResult
from tasks.journal.copies import NO_COPY
from tasks.journal.keys import IDEMPOTENCY, MAIL, OPEN, WATERMARKS
from tasks.journal.records import Claim, Grip, Hindrance, Refusal, moment
from tasks.journal.scripts import Call

if TYPE_CHECKING:
    from tasks.journal.copies import Copy
    from tasks.journal.records import Entry

_GRIPS: Final = frozenset(Grip)


def milliseconds(seconds: float) -> int:
    """Return *seconds* as the scripts count them."""
    return round(seconds * 1000)


def accept(entry: Entry, patience: int, message: bytes) -> Call:
    """Return the call that takes *entry* in, and publishes *message* unless it is empty."""
    key = IDEMPOTENCY + entry.key if entry.key else ""
    earlier = [(IDEMPOTENCY + name, fingerprint) for name, fingerprint in entry.earlier if name]
    marks = [name for name in (key, *(name for name, _ in earlier)) if name]
    keys = (MAIL + entry.mail_id, OPEN, *marks, *([entry.lane] if message else []))
    delay = milliseconds(entry.delay)
    arguments = (entry.mail_id, entry.lane, entry.payload, entry.fingerprint, delay, key, patience, message)
    return Call(keys, (*arguments, entry.notify, *(fingerprint for _, fingerprint in earlier)))


def begin(mail_id: str, lease: int, runs: int, *, in_company: bool) -> Call:
    """Return the call that takes a mail up."""
    return Call((MAIL + mail_id, OPEN, WATERMARKS), (mail_id, lease, runs, int(in_company)))


def step(claim: Claim, state: str, until: int, *fields: str, copy: Copy = NO_COPY) -> Call:
    """Return the call that moves a mail in hand to *state*; *until* is what step.lua says of it."""
    return Call((MAIL + claim.mail_id, OPEN), (claim.mail_id, claim.fence, state, until, *copy, *fields))


def mark(claim: Claim, lease: int, covered: str) -> Call:
    """Return the call that notes that the dot of a mail is about to be sent."""
    return step(claim, "data", lease, "progress", covered)


def grip(mail_id: str, answer: list[Any]) -> Claim | Refusal:
    """Read what `begin` answered."""
    verdict = answer[0].decode()
    if verdict not in _GRIPS:
        stored, resends = answer[1:] if verdict == Hindrance.DONE else (b"", 0)
        result = SendEmailResult.model_validate_json(stored) if stored else None
        return Refusal(mail_id, Hindrance(verdict), result, is_resent=resends > 0)
    fence, accepted, elapsed, history, progress, now, resends = answer[1:]
    return Claim(
        mail_id=mail_id,
        fence=fence,
        grip=Grip(verdict),
        accepted_at=moment(accepted),
        begun_at=moment(now),
        elapsed=elapsed / 1000,
        history=history.decode(),
        progress=progress.decode(),
        is_resent=resends > 0,
    )
