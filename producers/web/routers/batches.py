"""Handing many emails in with one request."""
# Without `from __future__ import annotations`: FastAPI evaluates the annotations of its endpoints.

import hashlib
from functools import partial
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from producers.web import bodies, problems, reading
from producers.web.answers import EMAILS, Handed, Outcome, Outcomes, ProblemDocument, as_json
from producers.web.callers import Caller, counted, note
from producers.web.describing import BODY, RATE_HEADERS, json_body, refusals
from producers.web.gateway import Gateway, gateway_of
from producers.web.keys import Key
from producers.web.parameters import EMAIL, EXAMPLE, HANDING_IN, handing_of
from producers.web.parcels import Parcel
from producers.web.paths import BATCH
from producers.web.problems import Problem
from producers.web.routers.emails import conflict, state_of
from tasks.contract.names import Lane
from tasks.contract.parameters import SendEmail
from tasks.journal.records import Acceptance, Accepted

router = APIRouter(tags=["emails"])

_MOST: Final = 5000


@router.post(
    BATCH,
    operation_id="sendEmails",
    summary="Hand many emails in",
    status_code=202,
    response_model=Outcomes,
    responses={
        202: {
            "description": "At least one was accepted; what became of each stands in its place.",
            "headers": dict(RATE_HEADERS),
        },
        **refusals(*BODY, problems.FORBIDDEN),
    },
    openapi_extra={
        **json_body(
            {"type": "array", "items": EMAIL, "minItems": 1, "maxItems": _MOST},
            emails=[EXAMPLE, {**EXAMPLE, "to": "bob@example.com"}],
        ),
        "parameters": HANDING_IN,
    },
)
async def send_emails(request: Request, key: Caller) -> Response:
    """
    Hand many emails in, each by itself: one that is refused does not stop the others.

    They wait in the lane `bulk` unless told otherwise. With an Idempotency-Key a repeat of the whole batch
    finds every email of the first time. Each counts as a request for the API key's rate. If none is accepted,
    the answer is 422, with the same outcomes.
    """
    gateway = gateway_of(request)
    handing = handing_of(request, key, otherwise=Lane.BULK)
    with gateway.buffers.share() as share:
        body = await reading.read_json(request, share)
        judge = partial(_judged, key, handing.idempotency_key, gateway.settings.max_batch)
        judged = await reading.made_from(request, body, judge)
        letters = tuple(handing.letter(mail) for mail in judged if isinstance(mail, SendEmail))
        if not letters:
            allowance = await gateway.count(key)
            accepted: tuple[Accepted, ...] = ()
        else:
            receipt = await gateway.hand_in(Parcel(letters, len(body)))
            allowance, accepted = receipt.allowance, receipt.accepted
    headers = counted(request, allowance)
    found = await _outcomes(gateway, key, judged, accepted)
    note(request, accepted=found.accepted, refused=found.refused)
    if not found.accepted:
        raise Problem(
            problems.INVALID,
            "none of the emails can be accepted; outcomes says why",
            outcomes=found.model_dump(mode="json", by_alias=True)["outcomes"],
        )
    return Response(as_json(found), 202, headers, "application/json")


def _judged(key: Key, idempotency_key: str | None, most: int, body: bytes) -> list[SendEmail | Problem]:
    """Return each email of the batch, or what is wrong with it."""
    items = bodies.decode(body)
    if not isinstance(items, list) or not 0 < len(items) <= most:
        detail = f"the body must be a list of 1 to {most} emails"
        raise Problem(problems.INVALID, detail, errors=[{"pointer": "", "detail": detail}])
    return [_judge(key, idempotency_key, item, index) for index, item in enumerate(items)]


def _judge(key: Key, idempotency_key: str | None, item: Any, index: int) -> SendEmail | Problem:
    own = isinstance(item, dict) and item.get("idempotency_key")
    # Each email needs a key of its own, and the same one when the batch is repeated.
    derived = hashlib.sha256(f"{index}:{idempotency_key}".encode()).hexdigest()
    try:
        wanted = derived if idempotency_key and not own else None
        return reading.mail_of(key, item, idempotency_key=wanted, at=f"/{index}")
    except Problem as problem:
        # Its frames, and those of what it came from, have the whole batch: a circle with what is returned.
        problem.__traceback__ = problem.__context__ = None
        return problem


async def _outcomes(
    gateway: Gateway, key: Key, judged: list[SendEmail | Problem], accepted: tuple[Accepted, ...]
) -> Outcomes:
    answers = iter(accepted)
    found: list[Outcome] = []
    for index, mail in enumerate(judged):
        if isinstance(mail, Problem):
            found.append(_refused(index, mail))
        else:
            found.append(await _outcome(gateway, key, index, next(answers)))
    count = sum(outcome.email is not None for outcome in found)
    return Outcomes(accepted=count, refused=len(found) - count, outcomes=tuple(found))


async def _outcome(gateway: Gateway, key: Key, index: int, accepted: Accepted) -> Outcome:
    if accepted.outcome is Acceptance.CONFLICT:
        return _refused(index, conflict(accepted.mail_id))
    state = await state_of(gateway, key, accepted)
    email = Handed(id=accepted.mail_id, state=state, location=EMAILS + accepted.mail_id)
    return Outcome(index=index, status=202, email=email)


def _refused(index: int, problem: Problem) -> Outcome:
    document = ProblemDocument.model_validate(problem.document())
    return Outcome(index=index, status=problem.kind.status, problem=document)
