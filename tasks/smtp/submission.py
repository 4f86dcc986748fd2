"""What is handed to a connection: a run of mails, each with its own last moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from tasks.deadline import Deadline
    from tasks.envelope import Envelope
    from tasks.failures import Answer


@dataclass(frozen=True, slots=True)
class Submission:
    """One mail transaction to be tried: MAIL, RCPT for each recipient of *envelope*, DATA (RFC 6409)."""

    mail_id: str
    envelope: Envelope
    deadline: Deadline


#: Called just before the final dots of the given mails are written, with the mails in that write; answers
#: for each whether its dot may be sent. A mail that gets False (its lease is gone) is aborted without a dot.
Mark: TypeAlias = Callable[[Sequence[Submission]], Sequence[bool]]

#: Told of each answer as soon as there is one, while the mails behind it still wait for theirs.
Hear: TypeAlias = "Callable[[Submission, Answer], object]"

#: Asked before each mail whether it may be begun; the mails that are left when it says no stay untried.
GoOn: TypeAlias = Callable[[], bool]


def hear_nothing(_submission: Submission, _answer: Answer) -> None:
    """Leave each answer to those that are returned in the end."""


def go_on() -> bool:
    """Try every mail."""
    return True
