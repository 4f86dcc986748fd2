"""What the journal's transitions are called with, and how their answers are read."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from tasks.contract.result import SendEmailResult
from tasks.journal.copies import NO_COPY
from tasks.journal.damage import damaged
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


@lru_cache(maxsize=64)
def _written(seconds: float) -> str:
    """Return milliseconds as text; nearly all steps last for one of two times."""
    return str(milliseconds(seconds))


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


def stepping(copy: Copy = NO_COPY) -> Call:
    """Return what all calls of `step` share; *copy* goes to Celery of each mail that ends."""
    return Call((OPEN,), copy)


def step(claim: Claim, state: str, seconds: float, *fields: str) -> Call:
    """Return the call that moves a mail in hand to *state*; step.lua says what lasts for *seconds*."""
    lasting: str = _written(seconds)
    return Call((MAIL + claim.mail_id,), (claim.fence, state, lasting, *fields), sum(map(len, fields)))


def accepted(answers: Iterable[list[bytes]]) -> list[Accepted]:
    """Read what the calls of `accept` answered."""
    return [Accepted(_ACCEPTANCES[outcome], first.decode()) for outcome, first in answers]


def grips(mail_ids: Iterable[str], answers: Iterable[list[Any]]) -> list[Claim | Refusal]:
    """Read what the calls of `begin` answered."""
    grips: list[Claim | Refusal] = []
    begun: tuple[int, datetime] | None = None
    for mail_id, (verdict, *facts) in zip(mail_ids, answers, strict=True):
        grip = _GRIPS.get(verdict)
        if grip is None:
            grips.append(_refusal(mail_id, Hindrance(verdict.decode()), facts))
            continue
        fence, accepted, elapsed, history, progress, now, resends = facts
        if begun is None or begun[0] != now:
            # The same for all mails of a command.
            begun = now, moment(now)
        grips.append(
            Claim(
                mail_id,
                fence,
                grip,
                moment(accepted),
                begun[1],
                elapsed / 1000,
                history.decode() if history else "",
                progress.decode() if progress else "",
                resends > 0,
            )
        )
    return grips


def _refusal(mail_id: str, hindrance: Hindrance, facts: list[Any]) -> Refusal:
    if hindrance is Hindrance.DAMAGED:
        return Refusal(mail_id, hindrance, damaged(mail_id))
    stored, resends = facts if hindrance is Hindrance.DONE else (b"", 0)
    result = SendEmailResult.model_validate_json(stored) if stored else None
    return Refusal(mail_id, hindrance, result, is_resent=resends > 0)
