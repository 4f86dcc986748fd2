"""The lines of a logbook: what was done with a mail, in the order in which it was done."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tasks.contract.result import SendEmailResult
from tasks.contract.status import MailState
from tasks.journal.records import Grip

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tasks.journal.records import Claim
    from tasks.journal.settlement import Settlement

#: Ids that can stand in a line; any other mail is not written down.
_ID: Final = re.compile(r"[A-Za-z0-9._:@+=/-]{1,255}")


def has_a_line(claim: Claim) -> bool:
    """Whether the mail can be written down."""
    return _ID.fullmatch(claim.mail_id) is not None


def taken_up(claim: Claim) -> bytes:
    """
    Return what says that a mail is in hand, and how its recipients stood.

    One of whose dot nobody knows is in doubt from the start.
    """
    line = f"take {claim.mail_id} {claim.fence} {claim.progress}\n".encode()
    return line + dot(claim) if claim.grip is Grip.UNCONFIRMED else line


def dot(claim: Claim) -> bytes:
    """Return what says that the final dot goes out now."""
    return f"dot {claim.mail_id}\n".encode()


def refused(claim: Claim, progress: str) -> bytes:
    """Return what says that the server has answered, and nobody has the mail who is still to get it."""
    return f"open {claim.mail_id} {progress}\n".encode()


def settled(settlement: Settlement) -> bytes:
    """Return what says how the mail ended."""
    return f"end {settlement.claim.mail_id} {settlement.state} {settlement.text}\n".encode()


@dataclass(slots=True)
class Trace:
    """What a dead process left of a mail: under which fence, and how far it had come."""

    mail_id: str
    fence: int
    progress: str
    is_out: bool = False
    state: MailState | None = None
    result: SendEmailResult | None = None


def read(lines: Iterable[str]) -> list[Trace]:
    """
    Return how far each mail had come.

    Raises:
        ValueError: a line is none of ours.
    """
    traces: dict[str, Trace] = {}
    for line in lines:
        word, mail_id, *rest = line.split(" ", 2)
        match word, rest:
            case "take", [facts]:
                fence, _, progress = facts.partition(" ")
                traces[mail_id] = Trace(mail_id, int(fence), progress)
            case "dot", []:
                _known(traces, mail_id).is_out = True
            case "open", [progress]:
                trace = _known(traces, mail_id)
                trace.is_out, trace.progress = False, progress
            case "end", [facts]:
                state, _, text = facts.partition(" ")
                trace = _known(traces, mail_id)
                trace.state, trace.result = MailState(state), SendEmailResult.model_validate_json(text)
            case _:
                raise ValueError(f"{word[:20]!r} is no line of a logbook")
    return list(traces.values())


def _known(traces: dict[str, Trace], mail_id: str) -> Trace:
    trace = traces.get(mail_id)
    if trace is None:
        raise ValueError("a mail that was not taken up")
    return trace
