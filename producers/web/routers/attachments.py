"""Storing bytes for emails to attach."""
# Without `from __future__ import annotations`: FastAPI evaluates the annotations of its endpoints.

import re
from collections.abc import AsyncIterator, MutableMapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.datastructures import UploadFile

from producers.web import bodies, problems
from producers.web.answers import Stored, as_json
from producers.web.callers import Caller, counted, note
from producers.web.describing import BODY, RATE_HEADERS, refusals
from producers.web.gateway import gateway_of, too_fast
from producers.web.problems import Problem
from tasks.contract.attachments import parse_attachments
from tasks.contract.errors import Refused
from tasks.journal.blobs import LIFETIME

router = APIRouter(tags=["attachments"])

_FORM: Final = "multipart/form-data"
_PART: Final = "file"
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            _FORM: {
                "schema": {
                    "type": "object",
                    "properties": {
                        _PART: {
                            "type": "string",
                            "format": "binary",
                            "description": "The bytes, with the name that recipients see.",
                        }
                    },
                    "required": [_PART],
                    "additionalProperties": False,
                }
            }
        },
    }
}


@router.post(
    "/v1/attachments",
    operation_id="storeAttachment",
    summary="Store a file for emails to attach",
    status_code=201,
    response_model=Stored,
    responses={
        201: {"description": "Stored.", "headers": dict(RATE_HEADERS)},
        **refusals(*BODY),
    },
    openapi_extra=_BODY,
)
async def store_attachment(request: Request, key: Caller) -> Response:
    """
    Store a file once, for any number of emails; put the answer's `reference` into their `attachments`.

    The same bytes are stored once however often they come, for a week from the last time.
    """
    gateway = gateway_of(request)
    if not request.headers.get("content-type", "").lower().startswith(_FORM):
        raise Problem(problems.MEDIA, f"send the file as {_FORM}", headers={"Accept": _FORM})
    settings = gateway.settings
    with gateway.buffers.share() as share:
        arriving = bodies.chunks(request, share, most=settings.max_body_bytes, within=settings.body_timeout)
        limited = Request(request.scope, _receiving(arriving))
        async with limited.form(max_files=1, max_fields=0) as form:
            upload = form.get(_PART)
            if not isinstance(upload, UploadFile) or len(form) > 1:
                raise _wrong("must be one file, in a part of this name that has a file name")
            name = _name(upload)
            content = await upload.read()
            allowance, digest = await gateway.call(gateway.errands.store, key, content)
    headers = counted(request, allowance)
    if not allowance.is_granted:
        raise too_fast(headers)
    note(request, bytes=len(content))
    stored = Stored(
        reference=f"stored:{digest}/{name}",
        size=len(content),
        expires_at=datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=LIFETIME),
    )
    return Response(as_json(stored), 201, headers, "application/json")


def _name(upload: UploadFile) -> str:
    # Some clients send a path, of which only the end is the file's name (RFC 7578, 4.2).
    name = re.split(r"[/\\]", upload.filename or "")[-1]
    try:
        parse_attachments([f"stored:{'0' * 64}/{name}"])
    except Refused as refused:
        raise _wrong(f"has a file name that cannot be used: {refused}") from None
    return name


def _wrong(detail: str) -> Problem:
    return Problem(
        problems.INVALID,
        "the form is wrong; errors says why",
        errors=[{"pointer": f"/{_PART}", "detail": detail}],
    )


def _receiving(chunks: AsyncIterator[bytes]) -> Any:
    """Return what a request receives from: *chunks*, which are bounded in size and in time."""

    async def receive() -> MutableMapping[str, Any]:
        async for chunk in chunks:
            return {"type": "http.request", "body": chunk, "more_body": True}
        return {"type": "http.request", "body": b"", "more_body": False}

    return receive
