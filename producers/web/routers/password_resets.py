"""Asking for password resets: for a specified user, and for somebody at a public form."""
# Without `from __future__ import annotations`: FastAPI evaluates the annotations of its endpoints.

import json
from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from producers.errors import IdempotencyConflict, TooManyResets
from producers.web import bodies, problems, reading
from producers.web.answers import EMAILS, Handed, TakenIn
from producers.web.callers import Caller, counted, note
from producers.web.describing import (
    BODY,
    LOCATION,
    RATE_HEADERS,
    RETRY_AFTER,
    json_body,
    links,
    refusals,
)
from producers.web.gateway import Gateway, gateway_of, too_fast
from producers.web.handlers import invalid
from producers.web.keys import Key, ResetRight
from producers.web.parameters import handing_of
from producers.web.problems import Problem
from producers.web.reset_errands import Asked
from producers.web.routers.emails import conflict
from tasks.contract.codes import LocalCode
from tasks.contract.errors import FieldError, InvalidInput
from tasks.contract.names import Lane
from tasks.contract.password_reset import MAX_TTL, MIN_TTL

router = APIRouter(tags=["password resets"])

_JSON: Final = "application/json"
_TEXT: Final = {"type": ["string", "null"], "minLength": 1, "maxLength": 200}
#: Fields that several requests have.
USER: Final = {
    "type": "string",
    "minLength": 1,
    "maxLength": 320,
    "description": "As the worker's directory knows them.",
}
LOCALE: Final = {
    "type": ["string", "null"],
    "default": "en",
    "description": "Where the directory knows no language.",
}
_SPECIFIED: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "user": USER,
        "actor": {**_TEXT, "description": "Who asks; the API key's name unless given. It is written down."},
        "reason": {**_TEXT, "description": "Why; it is written down."},
        "ticket": {**_TEXT, "description": "The same ticket for the same user is the same reset."},
        "ttl": {
            "type": ["integer", "null"],
            "minimum": MIN_TTL,
            "maximum": MAX_TTL,
            "default": 3600,
            "description": "Seconds that the link lives.",
        },
        "template": {
            "type": ["string", "null"],
            "default": "password-reset",
            "description": "Which mail is sent.",
        },
        "locale": LOCALE,
    },
    "required": ["user"],
    "additionalProperties": False,
}
_REQUESTED: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "user": {**USER, "description": "What was typed into the form: a name or an address."},
        "source": {
            **_TEXT,
            "type": "string",
            "description": "Where the form was sent from, such as an IP address.",
        },
        "locale": LOCALE,
    },
    "required": ["user", "source"],
    "additionalProperties": False,
}


@router.post(
    "/v1/password-resets/users",
    operation_id="resetForUser",
    summary="Mail a specified user a link to choose a new password",
    status_code=202,
    response_model=Handed,
    responses={
        202: {
            "description": "Accepted: the worker looks the user up and sends the link.",
            "headers": {"Location": LOCATION, "Retry-After": RETRY_AFTER, **RATE_HEADERS},
            "links": links("getEmail", "cancelEmail"),
        },
        **refusals(*BODY, problems.FORBIDDEN, problems.KEY_REUSED, problems.TOO_MANY),
    },
    openapi_extra={
        **json_body(_SPECIFIED, ticket={"user": "ann", "actor": "ben", "ticket": "T-1042"}),
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "Same key, same reset, in place of the ticket.",
                "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
            }
        ],
    },
)
async def reset_for_user(request: Request, key: Caller) -> Response:
    """
    Ask for the reset of a user's password, on behalf of somebody of the staff.

    What became of it is asked for as of any email; that there is no such user shows in its result.
    """
    gateway = gateway_of(request)
    require_right(key, ResetRight.USERS)
    used = handing_of(request, key, otherwise=Lane.RESET).idempotency_key
    data = await read_object(request, gateway, _SPECIFIED)
    try:
        asked = await gateway.call(gateway.resets.for_user, key, {**data, "idempotency_key": used})
    except IdempotencyConflict as error:
        raise conflict(error.mail_id) from None
    except TooManyResets as error:
        headers = {"Retry-After": str(max(1, round(error.wait)))}
        raise Problem(problems.TOO_MANY, str(error), headers=headers) from None
    except InvalidInput as error:
        raise invalid(error, data=data) from None
    headers = granted(request, asked)
    note(request, mail=asked.mail_id)
    location = EMAILS + asked.mail_id
    body = json.dumps({"id": asked.mail_id, "state": "queued", "location": location})
    return Response(body, 202, {**headers, "Location": location, "Retry-After": "1"}, _JSON)


@router.post(
    "/v1/password-resets/requests",
    operation_id="resetForRequester",
    summary="Take in a request from a public form",
    status_code=202,
    response_model=TakenIn,
    responses={
        202: {
            "description": "Taken in; the answer is the same whether there is such a user or not.",
            "headers": dict(RATE_HEADERS),
        },
        **refusals(*BODY, problems.FORBIDDEN),
    },
    openapi_extra=json_body(_REQUESTED, form={"user": "ann@example.com", "source": "203.0.113.7"}),
)
async def reset_for_requester(request: Request, key: Caller) -> Response:
    """
    Take in what somebody typed into a public form.

    The answer tells nothing of whether there is such a user, and neither does anything else over HTTP: the
    id is for operators.
    """
    gateway = gateway_of(request)
    require_right(key, ResetRight.REQUESTS)
    data = await read_object(request, gateway, _REQUESTED)
    if not isinstance(data.get("source"), str) or not data["source"].strip():
        raise invalid(_wrong("source", "is missing", "say where the form was sent from"), data=data)
    fields = {("identifier" if name == "user" else name): value for name, value in data.items()}
    try:
        asked = await gateway.call(gateway.resets.for_requester, key, {"identifier": None, **fields})
    except InvalidInput as error:
        raise invalid(error, data=data) from None
    headers = granted(request, asked)
    return Response(json.dumps({"id": asked.mail_id, "state": "accepted"}), 202, headers, _JSON)


def require_right(key: Key, right: ResetRight) -> None:
    """
    Refuse what *key* may not ask for.

    Raises:
        Problem: it has not the *right*.
    """
    if right not in key.resets:
        raise Problem(
            problems.FORBIDDEN,
            f"the API key may not ask for these; `postroom key create --resets {right}` makes one that may",
        )


async def read_object(request: Request, gateway: Gateway, schema: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the fields of the body that are not null.

    Raises:
        Problem: it is no JSON object as *schema* describes it, or names no user.
    """
    with gateway.buffers.share() as share:
        data = bodies.decode(await reading.read_json(request, share))
    if not isinstance(data, Mapping):
        raise invalid(_wrong("", "is no object", "must be a JSON object"))
    known = schema["properties"]
    unknown = tuple(
        _field(str(name), "is an unknown field", f"there are {', '.join(known)}")
        for name in data
        if name not in known
    )
    long = tuple(
        _field(name, f"has {len(value)} characters", f"must have at most {most}")
        for name, value in data.items()
        for most in (known.get(name, {}).get("maxLength", 320),)
        if isinstance(value, str) and len(value) > most
    )
    if unknown or long:
        raise invalid(InvalidInput((*unknown, *long)), data=data)
    if data.get("user") is None:
        raise invalid(_wrong("user", "is missing", "say whose password is to be reset"), data=data)
    return {name: value for name, value in data.items() if value is not None}


def granted(request: Request, asked: Asked) -> dict[str, str]:
    """
    Return the headers that tell what is left of the key's quota.

    Raises:
        Problem: there was nothing left, and nothing was asked for.
    """
    headers = counted(request, asked.allowance)
    if not asked.allowance.is_granted:
        raise too_fast(headers)
    return headers


def _wrong(field: str, problem: str, advice: str) -> InvalidInput:
    return InvalidInput((_field(field, problem, advice),))


def _field(field: str, problem: str, advice: str) -> FieldError:
    return FieldError(field, field.capitalize() or "Request", LocalCode.INVALID_INPUT, problem, advice)
