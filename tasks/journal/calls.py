"""What the journal's transitions are called with, and how their answers are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tasks.contract.result import SendEmailResult
from tasks.journal.copies import NO_COPY
from tasks.journal.damage import UNREADABLE, damaged
from tasks.journal.keys import IDEMPOTENCY, MAIL, OPEN, WATERMARKS
from tasks.journal.records import Acceptance, Accepted, Claim, Grip, Hindrance, Refusal, moment
from tasks.journal.scripts import Call

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from tasks.journal.copies import Copy
    from tasks.journal.entries import Entry

# By what the scripts call them: an enum's own look-up takes a microsecond.
_ACCEPTANCES: Final = {outcome.encode(): outcome for outcome in Acceptance}
_GRIPS: Final = {grip.encode(): grip for grip in Grip}

#: Milliseconds after which the sweeper looks at a published mail for the first time. It is the same for all
#: programs, however their leases are set: `begin` counts on it where it leaves that moment as it is.
FIRST_LOOK: Final = 15_000


def milliseconds(seconds: float) -> int:
    """Return *seconds* as the scripts count them."""
    return round(seconds * 1000)


def accepting() -> Call:
    """Return what all calls of `accept` share."""
    return Call((OPEN,), (FIRST_LOOK,))


def accept(entry: Entry, message: bytes) -> Call:
    """Return the call that takes *entry* in, and publishes *message* unless it is empty."""
    marks = [(IDEMPOTENCY + entry.key, "")] if entry.key else []
    marks += [(IDEMPOTENCY + name, fingerprint) for name, fingerprint in entry.earlier if name]
    keys = (MAIL + entry.mail_id, *(name for name, _ in marks), *([entry.lane] if message else []))
    delay = milliseconds(entry.delay)
    arguments = (entry.lane, entry.payload, entry.fingerprint, delay, message, entry.notify)
    return Call(keys, (*arguments, *(fingerprint for _, fingerprint in marks[1:])))


def beginning(lease: float, runs: int, *, in_company: bool) -> Call:
    """Return what all calls of `begin` share."""
    return Call((OPEN, WATERMARKS), (milliseconds(lease), runs, int(in_company), FIRST_LOOK))


def begin(mail_id: str) -> Call:
    """Return the call that takes a mail up."""
    return Call((MAIL + mail_id,), (), 0)


def stepping(lease: float, retention: float, copy: Copy = NO_COPY) -> Call:
    """Return what all calls of `step` share; *copy* goes to Celery of each mail that ends."""
    return Call((OPEN,), (*copy, milliseconds(lease), milliseconds(retention)))


def step(claim: Claim, state: str, *values: str) -> Call:
    """Return the call that moves a mail in hand to *state*; step.lua says what its *values* are."""
    return Call((MAIL + claim.mail_id,), (claim.fence, state, *values), sum(map(len, values)))


def accepted(answers: Iterable[list[bytes]]) -> list[Accepted]:
    """Read what the calls of `accept` answered."""
    return [Accepted(_ACCEPTANCES[outcome], first.decode()) for outcome, first in answers]


def grips(mail_ids: Iterable[str], answers: Iterable[list[Any]]) -> list[Claim | Refusal]:
    """Read what the calls of `begin` answered."""
    # Most mails of a command have these in common, and making a moment takes a while.
    moments: dict[int, datetime] = {}

    def moment_of(told: int) -> datetime:
        known = moments.get(told)
        if known is None:
            known = moments[told] = moment(told)
        return known

    grips: list[Claim | Refusal] = []
    for mail_id, answer in zip(mail_ids, answers, strict=True):
        first = answer[0]
        try:
            if type(first) is int:
                grips.append(Claim(mail_id, 1, Grip.YOURS, moment_of(first), moment_of(answer[1]), 0.0))
            elif first in _GRIPS:
                grips.append(_claim(mail_id, answer))
            else:
                grips.append(_refusal(mail_id, Hindrance(first.decode()), answer[1:]))
        except UNREADABLE:
            # A moment beyond the calendar, or a text that is none: the script sees no harm in them.
            grips.append(Refusal(mail_id, Hindrance.DAMAGED, damaged(mail_id)))
    return grips


def _claim(mail_id: str, answer: list[Any]) -> Claim:
    verdict, fence, accepted, elapsed, history, progress, now, resends = answer
    return Claim(
        mail_id,
        fence,
        _GRIPS[verdict],
        moment(accepted),
        moment(now),
        elapsed / 1000,
        history.decode(),
        progress.decode(),
        resends > 0,
    )


def _refusal(mail_id: str, hindrance: Hindrance, facts: list[Any]) -> Refusal:
    if hindrance is Hindrance.DAMAGED:
        return Refusal(mail_id, hindrance, damaged(mail_id))
    stored, resends = facts if hindrance is Hindrance.DONE else (b"", 0)
    result = SendEmailResult.model_validate_json(stored) if stored else None
    return Refusal(mail_id, hindrance, result, is_resent=resends > 0)
