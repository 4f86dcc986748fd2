"""Who asked for which password reset, when and why, and what came of it."""
# Without `from __future__ import annotations`: FastAPI evaluates the annotations of its endpoints.

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from producers.web import problems
from producers.web.answers import as_json
from producers.web.callers import Caller, counted
from producers.web.describing import RATE_HEADERS, refusals
from producers.web.gateway import gateway_of, too_fast
from producers.web.keys import ResetRight
from producers.web.routers.password_resets import require_right
from tasks.contract.limits import MAX_METADATA_VALUE, MAX_USER_NAME
from tasks.journal.audit import Audited

router = APIRouter(tags=["password resets"])


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class ResetRecord(_Model):
    """One password reset; code, message and message_id are null while it is under way."""

    id: str = Field(description="The id of its mail.")
    at: datetime = Field(description="When it was asked for.")
    workflow: str = Field(description="specified, requester, batch, completed, or failed: a notice of one.")
    user: str = Field(description="Whom it was for, as it was asked.")
    actor: str | None = Field(description="Who asked; null for a public request.")
    reason: str | None
    ticket: str | None
    code: int | None
    message: str | None
    message_id: str | None

    @classmethod
    def of(cls, record: Audited) -> Self:
        """Return what is told of *record*."""
        asked = record.asked
        return cls(
            id=asked.mail_id,
            at=record.at,
            workflow=asked.workflow,
            user=asked.target,
            actor=asked.actor,
            reason=asked.reason,
            ticket=asked.ticket,
            code=record.code,
            message=record.message,
            message_id=record.message_id,
        )


class ResetRecords(_Model):
    """Records, newest first."""

    resets: tuple[ResetRecord, ...]


@router.get(
    "/v1/password-resets",
    operation_id="listPasswordResets",
    summary="Say who asked for which password reset, and what came of it",
    response_model=ResetRecords,
    responses={
        200: {"description": "Records, newest first.", "headers": dict(RATE_HEADERS)},
        **refusals(problems.INVALID, problems.FORBIDDEN),
    },
)
async def list_resets(  # noqa: PLR0913, PLR0917 (a parameter for each of the query's)
    request: Request,
    key: Caller,
    actor: Annotated[
        str | None, Query(max_length=MAX_METADATA_VALUE, description="Those that this actor asked for.")
    ] = None,
    user: Annotated[
        str | None, Query(max_length=MAX_USER_NAME, description="Those for this user, as it was asked.")
    ] = None,
    ticket: Annotated[
        str | None, Query(max_length=MAX_METADATA_VALUE, description="Those under this ticket.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="The most, of the newest.")] = 100,
) -> Response:
    """
    List the records of all password resets, whoever asked for them, newest first; never a link.

    The key needs the right `audit`, with which it also learns what became of public requests.
    """
    gateway = gateway_of(request)
    require_right(key, ResetRight.AUDIT)
    query = {"actor": actor, "target": user, "ticket": ticket, "most": limit}
    allowance, found = await gateway.call(gateway.resets.audit, key, query)
    headers = counted(request, allowance)
    if not allowance.is_granted:
        raise too_fast(headers)
    records = ResetRecords(resets=tuple(ResetRecord.of(record) for record in found))
    return Response(as_json(records), 200, headers, "application/json")
