"""The three outputs of `send_email` and what stands beside them (contract, section 4)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from tasks.contract.codes import LocalCode, Phase

#: What the messages of cancelled mails begin with.
CANCELLED: Final = "cancelled"


class Delivery(StrEnum):
    """What became of a mail as a whole."""

    SENT = "sent"
    PARTIAL = "partial"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"


class RecipientState(StrEnum):
    """What became of one recipient."""

    SENT = "sent"
    REFUSED = "refused"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Attempt(_Part):
    """One try at delivering a mail."""

    at: datetime = Field(description="When the try ended (UTC).")
    code: int = Field(description="Reply code or local code that the try ended with.")
    message: str = Field(description="The server's text, or what happened.")


class RecipientOutcome(_Part):
    """What became of one recipient, in input order."""

    address: str = Field(description="The address, masked: first letter and domain.")
    state: RecipientState
    code: int = Field(description="Reply code or local code that decided it.")
    message: str = Field(description="The server's text for this recipient, or what happened.")


class SendEmailResult(_Part):
    """
    The outcome of one mail: success, code and message, with the details beside them.

    It is what `AsyncResult(id).get()` returns, as a mapping.
    """

    success: bool = Field(description="Whether the server took responsibility for every recipient.")
    code: int = Field(description="The SMTP reply code that decided it, or a local code from 600 on.")
    message: str = Field(description="Enhanced status, the server's text, phase, attempts, one hint.")
    delivery: Delivery = Field(description="What became of the mail as a whole.")
    retryable: bool = Field(description="Whether sending the same again could help.")
    source: Literal["server", "local"] = Field(description="Who decided: the mail server, or this program.")
    enhanced_status: str | None = Field(default=None, description="RFC 3463 status such as 5.1.1.")
    phase: Phase | None = Field(default=None, description="Where in the SMTP session it ended.")
    message_id: str | None = Field(default=None, description="The Message-ID header, equal in all attempts.")
    queue_id: str | None = Field(default=None, description="The server's queue id, where its text names one.")
    attempts: tuple[Attempt, ...] = ()
    recipients: tuple[RecipientOutcome, ...] = ()
    metadata: dict[str, str] = Field(default_factory=dict)
    enqueued_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def was_cancelled(self) -> bool:
        """Whether cancelling has ended it: also where some had got it before, or may have."""
        is_doubtful = self.code == LocalCode.UNKNOWN and self.message.startswith(CANCELLED)
        return self.code == LocalCode.CANCELLED or is_doubtful
