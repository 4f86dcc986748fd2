"""What the gateway answers with, as JSON."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tasks.contract.names import Lane
from tasks.contract.result import SendEmailResult
from tasks.contract.status import MailState

if TYPE_CHECKING:
    from tasks.journal.records import Record

#: Where an email is found; its id follows.
EMAILS = "/v1/emails/"


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Handed(_Answer):
    """An email that was accepted: it is kept from now on, whatever happens."""

    id: str = Field(description="The id under which it is known.")
    state: MailState = Field(description="`queued`, or where it stands by now if it was accepted before.")
    location: str = Field(description="Where to ask what became of it.")


class TakenIn(_Answer):
    """A public request that was taken in; there is no more to know."""

    id: str = Field(description="For operators.")
    state: Literal["accepted"]


class Email(_Answer):
    """Where an email stands; success, code and message are the result's once the state is final."""

    id: str
    state: MailState
    success: bool | None = Field(description="Null until the state is final.")
    code: int | None = Field(description="The result's code, or the last attempt's.")
    message: str | None = Field(description="The result's message, or the last attempt's.")
    lane: Lane
    accepted_at: datetime
    location: str
    result: SendEmailResult | None = Field(description="All outputs, once the state is final.")

    @classmethod
    def of(cls, record: Record) -> Email:
        """Return what callers are told of *record*."""
        result = record.result
        return cls(
            id=record.mail_id,
            state=record.state,
            success=result.success if result else None,
            code=result.code if result else record.last_code,
            message=result.message if result else record.last_message,
            lane=Lane(record.lane),
            accepted_at=record.accepted_at,
            location=EMAILS + record.mail_id,
            result=result,
        )


class Page(_Answer):
    """Emails from newest to oldest."""

    emails: tuple[Email, ...]
    next: str | None = Field(
        description="The cursor of the next page; null at the end. A page may have fewer emails than asked "
        "for, and yet not be the last."
    )


class ParameterPlace(StrEnum):
    """Where a parameter of a request stands."""

    QUERY = "query"
    PATH = "path"
    HEADER = "header"


class Wrong(_Answer):
    """What is wrong with one field of the body, or with one parameter of the request."""

    pointer: str | None = Field(default=None, description="JSON Pointer (RFC 6901) into the body.")
    field: str | None = Field(default=None, description="The field's name in the contract.")
    label: str | None = Field(default=None, description="What people call the field.")
    code: int | None = Field(default=None, description="The local result code, such as 600 or 602.")
    parameter: str | None = Field(default=None, description="The parameter's name.")
    in_: ParameterPlace | None = Field(default=None, alias="in", description="Where the parameter stands.")
    detail: str = Field(description="What is wrong, and what is expected.")


def _is_absent(member: object) -> bool:
    """Whether a member is left out of a problem, for there is nothing to say."""
    return member is None


class ProblemDocument(BaseModel):
    """What went wrong (RFC 9457)."""

    model_config = ConfigDict(title="Problem", extra="allow")

    type: str = Field(description="`urn:postroom:problem:` and the kind of problem; programs go by it.")
    title: str = Field(description="The kind of problem, for people.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="This problem, for people.")
    code: int | None = Field(default=None, description="The local result code, where there is one.")
    errors: tuple[Wrong, ...] = Field(default=(), description="Everything that is wrong, at once.")
    id: str | None = Field(
        default=None,
        exclude_if=_is_absent,
        description="The first email's, where its idempotency key is used for another.",
    )
    state: MailState | None = Field(
        default=None, exclude_if=_is_absent, description="Where the email stands that nothing was done with."
    )
    outcomes: tuple[Outcome, ...] | None = Field(
        default=None,
        exclude_if=_is_absent,
        description="What became of each email of a batch of which none was accepted.",
    )


class Outcome(_Answer):
    """What became of one email of a batch: an id, or a problem."""

    index: int = Field(description="Its place in the batch, from 0.")
    status: int = Field(description="The status that it would have had by itself.")
    email: Handed | None = None
    problem: ProblemDocument | None = None


class Outcomes(_Answer):
    """What became of a batch, email by email, in order."""

    accepted: int
    refused: int
    outcomes: tuple[Outcome, ...]


class Stored(_Answer):
    """Bytes that were stored for emails to attach."""

    reference: str = Field(description="What to put into `attachments`.")
    size: int = Field(description="Bytes.")
    expires_at: datetime = Field(description="Until when they are kept; storing them again begins anew.")


class Health(_Answer):
    """Whether something works."""

    status: Literal["ok"]


def as_json(answer: BaseModel) -> bytes:
    """Return *answer* as it is sent."""
    return answer.model_dump_json(exclude_unset=False, by_alias=True).encode()


def example(model: type[BaseModel], **fields: Any) -> dict[str, Any]:
    """Return *fields* as an example of *model*, which they must be."""
    found: dict[str, Any] = model.model_validate(fields).model_dump(mode="json", by_alias=True)
    return found
