"""Where a mail stands, for those who poll (contract, section 5)."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from tasks.contract.result import SendEmailResult


class MailState(StrEnum):
    """The states of a mail from its acceptance on; an id that never existed has none."""

    QUEUED = "queued"
    SENDING = "sending"
    RETRYING = "retrying"
    SENT = "sent"
    PARTIAL = "partial"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        """Whether nothing will change any more: the result is there."""
        return self not in {MailState.QUEUED, MailState.SENDING, MailState.RETRYING}


class MailStatus(BaseModel):
    """What `poll` answers: the state, and the three outputs as far as they are known."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    mail_id: str
    state: MailState
    code: int | None = Field(default=None, description="The result's code, or the last attempt's.")
    message: str | None = Field(default=None, description="The result's message, or the last attempt's.")
    result: SendEmailResult | None = Field(default=None, description="All outputs, once the state is final.")
