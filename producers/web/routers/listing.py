"""Finding emails again: the newest, those of a reference, those in a state."""
# Without `from __future__ import annotations`: FastAPI evaluates the annotations of its endpoints.

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from producers.web import problems
from producers.web.answers import Email, Page, as_json
from producers.web.callers import Caller, counted
from producers.web.describing import RATE_HEADERS, links, refusals
from producers.web.gateway import gateway_of, too_fast
from producers.web.parcels import Wanted
from tasks.contract.limits import MAX_METADATA_VALUE
from tasks.contract.status import MailState

router = APIRouter(tags=["emails"])


@router.get(
    "/v1/emails",
    operation_id="listEmails",
    summary="Find emails again",
    response_model=Page,
    responses={
        200: {
            "description": "A page, newest first.",
            "headers": dict(RATE_HEADERS),
            "links": links("getEmail", "cancelEmail", at="/emails/0/id"),
        },
        **refusals(problems.INVALID),
    },
)
async def list_emails(  # noqa: PLR0913, PLR0917 (a parameter for each of the query's)
    request: Request,
    key: Caller,
    reference: Annotated[
        str | None,
        Query(
            max_length=MAX_METADATA_VALUE,
            description="Those whose `metadata` has this `reference`.",
            examples=["order-4711"],
        ),
    ] = None,
    state: Annotated[MailState | None, Query(description="Those in this state now.")] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="The most on one page.")] = 20,
    cursor: Annotated[
        str | None,
        Query(
            pattern="^[0-9]{1,16}$", description="`next` of the page before.", examples=["1896091200000000"]
        ),
    ] = None,
) -> Response:
    """
    List the emails of this API key, newest first, as long as their results are kept.

    A search for a state looks at a thousand emails at most; follow `next` until it is null.
    """
    gateway = gateway_of(request)
    wanted = Wanted(limit, int(cursor) if cursor else None, reference, state)
    allowance, found = await gateway.call(gateway.errands.page, key, wanted)
    headers = counted(request, allowance)
    if not allowance.is_granted:
        raise too_fast(headers)
    page = Page(
        emails=tuple(Email.of(record) for record in found.records),
        next=None if found.before is None else str(found.before),
    )
    return Response(as_json(page), 200, headers, "application/json")
