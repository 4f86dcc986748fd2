"""What a worker is handed, and what it hands back for each mail."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.contract.result import SendEmailResult


@dataclass(frozen=True, slots=True)
class Job:
    """A mail as its message brought it: not yet validated."""

    mail_id: str
    lane: str
    parameters: Mapping[str, object] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Settled:
    """
    The mail has its result; nothing more will happen to it unless it is resent.

    *is_resent* says that this may not be its first: an earlier one must give way. *is_stored* says that those
    who ask Celery can see it already.
    """

    result: SendEmailResult
    is_resent: bool = False
    is_stored: bool = False


@dataclass(frozen=True, slots=True)
class PutBack:
    """The mail waits in the journal for its next attempt, after the one that ended with *code*."""

    code: int
    message: str
    wait: float


@dataclass(frozen=True, slots=True)
class Suspect:
    """The mail was in the hands of a worker that died: it is to be taken up again, and alone."""


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """The mail is not this worker's: another one has it, or it is not due yet."""

    reason: str


Verdict: TypeAlias = Settled | PutBack | Suspect | LeftAlone
