"""Telling users that their password was changed, for sites that do not speak to the queue themselves."""
# Without `from __future__ import annotations`: FastAPI evaluates the annotations of its endpoints.

import json
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from producers.web import problems
from producers.web.answers import EMAILS, Handed
from producers.web.callers import Caller, note
from producers.web.describing import (
    BODY,
    LOCATION,
    RATE_HEADERS,
    RETRY_AFTER,
    json_body,
    links,
    refusals,
)
from producers.web.gateway import gateway_of
from producers.web.handlers import invalid
from producers.web.keys import ResetRight
from producers.web.routers.password_resets import LOCALE, USER, granted, read_object, require_right
from tasks.contract.errors import InvalidInput

router = APIRouter(tags=["password resets"])

_COMPLETED: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"user": USER, "locale": LOCALE},
    "required": ["user"],
    "additionalProperties": False,
}


@router.post(
    "/v1/password-resets/completed",
    operation_id="tellOfChangedPassword",
    summary="Mail a user that their password was changed",
    status_code=202,
    response_model=Handed,
    responses={
        202: {
            "description": "Accepted: the worker looks the user up and writes to the address on file.",
            "headers": {"Location": LOCATION, "Retry-After": RETRY_AFTER, **RATE_HEADERS},
            "links": links("getEmail", "cancelEmail"),
        },
        **refusals(*BODY, problems.FORBIDDEN),
    },
    openapi_extra=json_body(_COMPLETED, changed={"user": "ann"}),
)
async def tell_of_change(request: Request, key: Caller) -> Response:
    """
    Tell a user that their password was changed; the mail has no link.

    Call it once the new password is set, whoever set it: a user who did not finds out.
    """
    gateway = gateway_of(request)
    require_right(key, ResetRight.COMPLETED)
    data = await read_object(request, gateway, _COMPLETED)
    try:
        asked = await gateway.call(gateway.resets.completed, key, data)
    except InvalidInput as error:
        raise invalid(error, data=data) from None
    headers = granted(request, asked)
    note(request, mail=asked.mail_id)
    location = EMAILS + asked.mail_id
    body = json.dumps({"id": asked.mail_id, "state": "queued", "location": location})
    return Response(body, 202, {**headers, "Location": location, "Retry-After": "1"}, "application/json")
