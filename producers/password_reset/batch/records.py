"""What is known about a row of a job, as it is stored and as reports show it."""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from tasks.contract.status import MailState

if TYPE_CHECKING:
    from tasks.contract.result import SendEmailResult

_NAMESPACE: Final = uuid.UUID("5e6b2b2e-9d6c-4f0a-8d55-8f0b6f3a6f11")
_STATES: Final = {
    MailState.SENT: "sent",
    MailState.PARTIAL: "partial",
    MailState.UNKNOWN: "unknown",
    MailState.EXPIRED: "expired",
    MailState.CANCELLED: "skipped",
}


class RowState(StrEnum):
    """Where a row stands."""

    QUEUED = "queued"
    SENT = "sent"
    PARTIAL = "partial"
    FAILED = "failed"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class RowRecord:
    """
    What became of a row: its state, *at* seconds since the epoch, and of its mail's result what reports show.

    *attempt* counts how often the row was begun: a retry has a mail of its own.
    """

    line: int
    mail_id: str
    state: RowState
    at: int
    attempt: int = 1
    code: int | None = None
    status: str | None = None
    message: str = ""
    message_id: str | None = None
    tries: int = 0
    recipient: str = ""
    is_transient: bool = False

    def settled(self, state: MailState, result: SendEmailResult, *, at: int) -> RowRecord:
        """Return the record of a mail that ended in *state* with *result*."""
        recipient = result.recipients[0].address if result.recipients else ""
        return replace(
            self,
            state=RowState(_STATES.get(state, "failed")),
            at=at,
            code=result.code,
            status=result.enhanced_status,
            message=result.message,
            message_id=result.message_id,
            tries=len(result.attempts),
            recipient=recipient,
            is_transient=result.retryable,
        )

    def encode(self) -> str:
        """Return the record as it is stored: without what has its usual value, and without its line."""
        usual = RowRecord(0, "", RowState.QUEUED, 0)
        kept = {name: value for name, value in asdict(self).items() if value != getattr(usual, name)}
        kept.pop("line", None)
        return json.dumps({**kept, "state": self.state}, separators=(",", ":"))

    @classmethod
    def decode(cls, line: int, stored: bytes) -> RowRecord:
        """Read what `encode` wrote."""
        found: dict[str, Any] = json.loads(stored)
        return cls(line=line, **{"mail_id": "", "at": 0, **found, "state": RowState(found["state"])})


def mail_id_of(job_id: str, key: str, attempt: int = 1) -> str:
    """Return the id of a row's mail: the same in every run, so that it is handed in once."""
    return str(uuid.uuid5(_NAMESPACE, json.dumps([job_id, key, attempt])))
