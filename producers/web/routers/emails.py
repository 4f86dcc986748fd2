"""Handing one email in, and asking what became of it."""
# Without `from __future__ import annotations`: FastAPI evaluates the annotations of its endpoints.

import json
from functools import partial
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from producers.web import bodies, problems, reading
from producers.web.answers import EMAILS, Email, Handed, as_json
from producers.web.callers import counted, key_of, note
from producers.web.describing import (
    BODY,
    LOCATION,
    RATE_HEADERS,
    REPLAYED,
    RETRY_AFTER,
    json_body,
    links,
    refusals,
)
from producers.web.gateway import Gateway, gateway_of
from producers.web.keys import Key
from producers.web.parameters import EMAIL, EXAMPLE, HANDING_IN, WAIT, EmailId, Handing, handing_of, wait_of
from producers.web.parcels import Parcel, Question
from producers.web.paths import ONE_EMAIL
from producers.web.problems import Problem
from producers.web.waiting import settled
from tasks.contract.parameters import SendEmail
from tasks.contract.status import MailState
from tasks.journal.records import Acceptance, Accepted, Record

router = APIRouter(tags=["emails"])

_JSON: Final = "application/json"
#: Seconds after which a first look is worth it.
_SOON: Final = {"Retry-After": "1"}


@router.post(
    "/v1/emails",
    operation_id="sendEmail",
    summary="Hand an email in",
    status_code=202,
    response_model=Handed,
    responses={
        202: {
            "description": "Accepted: it is kept, and will be sent once.",
            "headers": {
                "Location": LOCATION,
                "Retry-After": RETRY_AFTER,
                "Idempotency-Replayed": REPLAYED,
                **RATE_HEADERS,
            },
            "links": links("getEmail", "cancelEmail", "resendEmail"),
        },
        **refusals(*BODY, problems.FORBIDDEN, problems.KEY_REUSED),
    },
    openapi_extra={**json_body(EMAIL, email=EXAMPLE), "parameters": HANDING_IN},
)
async def send_email(request: Request) -> Response:
    """
    Hand an email in; it is sent by a worker as soon as it is due.

    Fields have the names of the contract, or the connector's labels. Unknown fields are refused by name.
    """
    gateway, key = gateway_of(request), key_of(request)
    handing = handing_of(request, key)
    with gateway.buffers.share() as share:
        body = await reading.read_json(request, share)
        mail = await reading.made_from(request, body, partial(_mail_of, handing))
        receipt = await gateway.hand_in(Parcel((handing.letter(mail),), len(body)))
    [accepted] = receipt.accepted
    note(request, mail=accepted.mail_id)
    headers = {**counted(request, receipt.allowance), **_SOON, "Location": EMAILS + accepted.mail_id}
    return await _handed(gateway, key, accepted, headers)


def _mail_of(handing: Handing, body: bytes) -> SendEmail:
    data = bodies.decode(body)
    return reading.mail_of(handing.key, data, idempotency_key=handing.idempotency_key)


async def _handed(gateway: Gateway, key: Key, accepted: Accepted, headers: dict[str, str]) -> Response:
    if accepted.outcome is Acceptance.CONFLICT:
        raise conflict(accepted.mail_id)
    if accepted.outcome is not Acceptance.ACCEPTED:
        headers["Idempotency-Replayed"] = "true"
    state = await state_of(gateway, key, accepted)
    text = json.dumps({"id": accepted.mail_id, "state": state, "location": headers["Location"]})
    return Response(text, 202, headers, _JSON)


async def state_of(gateway: Gateway, key: Key, accepted: Accepted) -> MailState:
    """Return the state of a mail that was accepted, now or under its idempotency key before."""
    if accepted.outcome is Acceptance.ACCEPTED:
        return MailState.QUEUED
    finding = await gateway.ask(Question(key, accepted.mail_id, is_counted=False))
    return finding.record.state if finding.record else MailState.QUEUED


def conflict(first: str) -> Problem:
    """Return the answer where an idempotency key belongs to the other email *first*."""
    return Problem(
        problems.KEY_REUSED,
        f"email {first} has this idempotency key and other parameters; use a new key for a new email",
        id=first,
    )


@router.get(
    ONE_EMAIL,
    operation_id="getEmail",
    summary="Ask what became of an email",
    response_model=Email,
    responses={
        200: {
            "description": "Where it stands.",
            "headers": {"Retry-After": RETRY_AFTER, **RATE_HEADERS},
        },
        **refusals(problems.NO_SUCH_MAIL, problems.INVALID),
    },
    openapi_extra={"parameters": [WAIT]},
)
async def get_email(request: Request, email_id: EmailId) -> Response:
    """
    Ask where an email stands.

    An id that was never accepted, one of another API key, and one whose result is forgotten (after a day)
    are all answered with 404.
    """
    gateway, key, wait = gateway_of(request), key_of(request), wait_of(request)
    note(request, mail=email_id if len(email_id) == _ID_LENGTH else None)
    finding = await settled(gateway, Question(key, email_id), wait=wait)
    return standing(finding.record, counted(request, finding.allowance))


#: Characters of an id; what a request has in its place is not logged.
_ID_LENGTH: Final = 36


def standing(record: Record | None, headers: dict[str, str], *, status: int = 200) -> Response:
    """
    Answer with where a mail stands.

    Raises:
        Problem: there is none.
    """
    if record is None:
        raise no_such_email()
    more = {} if record.state.is_terminal else _SOON
    return Response(as_json(Email.of(record)), status, {**headers, **more}, _JSON)


def no_such_email() -> Problem:
    """Return the answer for an id that is none, or none of this key's: the same in every case."""
    return Problem(
        problems.NO_SUCH_MAIL, "this API key has handed in no email of this id, or its result is forgotten"
    )
