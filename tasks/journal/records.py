"""What the journal says of a mail: to who takes it in, who takes it up, and who polls."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tasks.contract.names import Lane
from tasks.contract.result import Attempt, SendEmailResult
from tasks.contract.status import MailState
from tasks.journal.damage import UNREADABLE, Damaged, damaged

if TYPE_CHECKING:
    from collections.abc import Mapping


class Acceptance(StrEnum):
    """What became of an `Entry`."""

    ACCEPTED = "accepted"
    KNOWN = "known"
    SAME = "same"
    CONFLICT = "conflict"


class Accepted(NamedTuple):
    """The journal's answer to an `Entry`; *mail_id* is the first mail's where the key was used before."""

    outcome: Acceptance
    mail_id: str


class Grip(StrEnum):
    """In which condition a worker got hold of a mail."""

    YOURS = "yours"
    UNCONFIRMED = "unconfirmed"
    CRASHED = "crashed"


class Claim(NamedTuple):
    """
    A mail that is now in this worker's hands, until its lease is over.

    *begun_at* is now, by the journal's clock; *elapsed* the time in seconds since a worker first took the
    mail up. *history* (attempts) and *progress* (recipients) are what `Journal.record`, `Journal.postpone`
    and `Control.resend` left there, as JSON text. *is_resent* says that it had a result before.
    """

    mail_id: str
    fence: int
    grip: Grip
    accepted_at: datetime
    begun_at: datetime
    elapsed: float
    history: str = ""
    progress: str = ""
    is_resent: bool = False


class Hindrance(StrEnum):
    """Why a worker may not take a mail up."""

    UNKNOWN = "unknown"
    DONE = "done"
    EARLY = "early"
    ALONE = "alone"
    BUSY = "busy"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A mail that this worker must leave alone, with its result where it has one."""

    mail_id: str
    hindrance: Hindrance
    result: SendEmailResult | None = None
    is_resent: bool = False


#: The fields of a mail's hash that `Record.read` needs.
RECORD_FIELDS: Final = (b"state", b"lane", b"accepted", b"history", b"result", b"due", b"published", b"fence")
_LANES: Final = frozenset(lane.value for lane in Lane)
_OPEN_STATES: Final = frozenset({"queued", "sending", "data"})
#: Those that are numbers in the record of every mail; no worker takes up one without them.
_NUMBERS: Final = (b"accepted", b"due", b"published", b"fence")


@dataclass(frozen=True, slots=True)
class Record:
    """
    What the journal knows about a mail, for those who poll.

    *attempts* are those before it has its result, which has all of them; while it waits, no worker takes it
    up before *due_at*.
    """

    mail_id: str
    state: MailState
    lane: str
    accepted_at: datetime
    result: SendEmailResult | None
    last_code: int | None = None
    last_message: str | None = None
    attempts: tuple[Attempt, ...] = ()
    due_at: datetime | None = None

    @classmethod
    def read(cls, mail_id: str, stored: Mapping[bytes, bytes | None]) -> Record | None:
        """
        Read the record of *mail_id* from its hash; None where there is none.

        Raises:
            Damaged: there is one, and somebody wrote into it by hand.
        """
        if not any(value is not None for value in stored.values()):
            return None
        try:
            return cls._read(mail_id, stored)
        except UNREADABLE:
            raise Damaged(mail_id) from None

    @classmethod
    def damaged(cls, mail_id: str) -> Record:
        """Return what those who poll are told of a mail whose record cannot be read."""
        return cls(mail_id, MailState.UNKNOWN, Lane.DEFAULT, moment(0), damaged(mail_id))

    @classmethod
    def _read(cls, mail_id: str, stored: Mapping[bytes, bytes | None]) -> Record:
        state = (stored[b"state"] or b"").decode()
        if state in _OPEN_STATES:
            _check(stored)
        history = _json(stored.get(b"history")) or []
        last = history[-1] if history else {}
        result = stored.get(b"result")
        return cls(
            mail_id,
            _state(state, retried=bool(last)),
            _lane(stored.get(b"lane") or b""),
            moment(int(stored.get(b"accepted") or "")),
            SendEmailResult.model_validate_json(result) if result else None,
            last.get("code"),
            last.get("message"),
            tuple(Attempt.model_validate(attempt) for attempt in history),
            moment(int(stored[b"due"] or "")) if state in _OPEN_STATES else None,
        )


def moment(milliseconds: int) -> datetime:
    """Return the moment *milliseconds* after the epoch, in UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)


def _json(stored: bytes | None) -> Any:
    return json.loads(stored) if stored else None


def _state(stored: str, *, retried: bool) -> MailState:
    if stored in _OPEN_STATES and retried:
        return MailState.RETRYING
    return MailState.SENDING if stored == "data" else MailState(stored)


def _check(stored: Mapping[bytes, bytes | None]) -> None:
    """Raise one of `UNREADABLE` where no worker would take the mail up."""
    if stored[b"lane"] is None:
        raise LookupError
    for name in _NUMBERS:
        int(stored[name] or "")


def _lane(stored: bytes) -> Lane:
    """Return the lane, the usual one where somebody wrote another: nothing that is told hangs on it."""
    return Lane(stored.decode()) if stored.decode() in _LANES else Lane.DEFAULT
