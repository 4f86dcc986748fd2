"""What the OpenAPI document says of each operation's answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from producers.web import problems
from producers.web.problems import MEDIA_TYPE, Kind, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEXT: Final = {"type": "string"}
_NUMBER: Final = {"type": "integer", "minimum": 0}

#: Header fields with their descriptions.
RATE_HEADERS: Final[Mapping[str, Any]] = {
    "RateLimit-Policy": {
        "description": "The API key's quota of requests, and the seconds in which it refills.",
        "schema": _TEXT,
        "example": '"requests";q=200;w=2',
    },
    "RateLimit": {
        "description": "What is left of it, and the seconds until it is whole again.",
        "schema": _TEXT,
        "example": '"requests";r=199;t=1',
    },
}
RETRY_AFTER: Final = {"description": "Seconds after which to ask again.", "schema": _NUMBER, "example": 1}
LOCATION: Final = {
    "description": "Where to ask what became of the email.",
    "schema": {"type": "string", "format": "uri-reference"},
    "example": "/v1/emails/1f0c3ab0-1d1e-4c8e-9a4e-6f0d5c8f7a11",
}
REPLAYED: Final = {
    "description": "`true` where the Idempotency-Key was used before: the email is the first one.",
    "schema": {"type": "string", "enum": ["true"]},
}
_HEADERS: Final[Mapping[int, Mapping[str, Any]]] = {
    401: {"WWW-Authenticate": {"description": "How to authenticate.", "schema": _TEXT}},
    429: {"Retry-After": RETRY_AFTER, **RATE_HEADERS},
    503: {"Retry-After": RETRY_AFTER},
}
#: What may happen to every request with a key.
_ALWAYS: Final = (
    problems.UNAUTHORIZED,
    problems.RATE,
    problems.INTERNAL,
    problems.UNAVAILABLE,
    problems.BUSY,
)
#: What may happen to every request with a body.
BODY: Final = (problems.MALFORMED, problems.SLOW, problems.TOO_LARGE, problems.MEDIA, problems.INVALID)


def refusals(*kinds: Kind) -> dict[int | str, dict[str, Any]]:
    """Return the answers of an operation that may end in *kinds*, or as every operation may."""
    return _refusals((*kinds, *_ALWAYS))


def bare_refusals(*kinds: Kind) -> dict[int | str, dict[str, Any]]:
    """Return the answers of an operation that needs no key and may end in *kinds*."""
    return _refusals((*kinds, problems.INTERNAL))


def _refusals(kinds: tuple[Kind, ...]) -> dict[int | str, dict[str, Any]]:
    found: dict[int | str, dict[str, Any]] = {}
    for status in sorted({kind.status for kind in kinds}):
        of_status = [kind for kind in kinds if kind.status == status]
        found[status] = {
            "description": ", or ".join(kind.title for kind in of_status) + ".",
            "headers": dict(_HEADERS.get(status, {})),
            "content": {
                MEDIA_TYPE: {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "examples": {kind.name: {"value": _example(kind)} for kind in of_status},
                }
            },
        }
    return found


def _example(kind: Kind) -> dict[str, Any]:
    return Problem(kind, "what is wrong with this request, and what to do").document()


def json_body(schema: Mapping[str, Any], **examples: Any) -> dict[str, Any]:
    """Return the extra of an operation that reads a JSON body by itself."""
    content = {
        "schema": dict(schema),
        "examples": {name: {"value": value} for name, value in examples.items()},
    }
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


def links(*operations: str, at: str = "/id") -> dict[str, Any]:
    """Return links to *operations* on the email whose id an answer has *at* a place (RFC 6901)."""
    return {
        operation: {"operationId": operation, "parameters": {"email_id": f"$response.body#{at}"}}
        for operation in operations
    }
