"""What went wrong with a request, as RFC 9457 has it: every error of the gateway is one of these."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from starlette.responses import Response

from tasks.contract.codes import LocalCode
from tasks.contract.labels import field_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import JsonValue

    from tasks.contract.errors import FieldError

MEDIA_TYPE: Final = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: *name* ends its type URI; status and title belong to it."""

    name: str
    status: int
    title: str

    @property
    def type(self) -> str:
        """The URI that names the kind."""
        return f"urn:postroom:problem:{self.name}"


MALFORMED: Final = Kind("malformed-request", 400, "The request cannot be read")
UNAUTHORIZED: Final = Kind("unauthorized", 401, "A valid API key is needed")
FORBIDDEN: Final = Kind("not-allowed", 403, "The API key does not allow this")
FORBIDDEN_HERE: Final = Kind("not-here", 403, "This is not shown here")
FOREIGN: Final = Kind("other-origin", 403, "The request comes from another site")
NOT_FOUND: Final = Kind("not-found", 404, "There is nothing here")
NO_SUCH_MAIL: Final = Kind("no-such-email", 404, "There is no such email")
NO_SUCH_DELIVERY: Final = Kind("no-such-delivery", 404, "There is no such delivery")
METHOD: Final = Kind("method-not-allowed", 405, "The method is not allowed here")
SLOW: Final = Kind("request-timeout", 408, "The request did not arrive in time")
ON_ITS_WAY: Final = Kind("already-on-its-way", 409, "The email is on its way")
SETTLED: Final = Kind("already-settled", 409, "The email has its result already")
WOULD_DOUBLE: Final = Kind("would-double", 409, "Somebody may have the email already")
NO_WEBHOOK: Final = Kind("no-webhook", 409, "The API key has no webhook")
WEBHOOK_DISABLED: Final = Kind("webhook-disabled", 409, "The webhook is disabled")
TOO_LARGE: Final = Kind("too-large", 413, "The request is too large")
MEDIA: Final = Kind("unsupported-media-type", 415, "The body is of the wrong type")
INVALID: Final = Kind("invalid-input", 422, "The email cannot be accepted")
KEY_REUSED: Final = Kind("idempotency-key-reused", 422, "The idempotency key belongs to another email")
DIFFERENT: Final = Kind("parameters-differ", 422, "These are not the email's parameters")
TOO_MANY: Final = Kind("too-many-resets", 429, "Too many password resets")
RATE: Final = Kind("rate-limited", 429, "Too many requests")
HEAD_TOO_LARGE: Final = Kind("headers-too-large", 431, "The headers are too large")
INTERNAL: Final = Kind("internal-error", 500, "An error of the gateway")
UNAVAILABLE: Final = Kind("queue-unavailable", 503, "The queue is not available")
BUSY: Final = Kind("busy", 503, "The gateway is busy")

_RESULT_CODES: Final = {
    KEY_REUSED: LocalCode.IDEMPOTENCY_CONFLICT,
    FORBIDDEN: LocalCode.POLICY,
    UNAVAILABLE: LocalCode.QUEUE_UNAVAILABLE,
}


class Problem(Exception):
    """
    A request that is answered with an error.

    *detail* is for people and repeats nothing that may be secret; *errors* are the fields that are wrong;
    *more* are further members of the document.
    """

    def __init__(
        self,
        kind: Kind,
        detail: str,
        *,
        errors: Sequence[JsonValue] = (),
        headers: Mapping[str, str] | None = None,
        **more: JsonValue,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.errors = errors
        self.headers = dict(headers or {})
        self.more = more

    def document(self) -> dict[str, JsonValue]:
        """Return the problem as a JSON object."""
        found: dict[str, JsonValue] = {
            "type": self.kind.type,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
        }
        if self.kind in _RESULT_CODES:
            found["code"] = int(_RESULT_CODES[self.kind])
        if self.errors:
            found["errors"] = list(self.errors)
        return found | self.more

    def response(self) -> Response:
        """Return the answer to the request."""
        return Response(self.body(), self.kind.status, self.headers, MEDIA_TYPE)

    def body(self) -> bytes:
        """Return the document as it is sent."""
        return json.dumps(self.document()).encode("ascii")


def field_error(error: FieldError, *, at: str = "", data: object = None) -> dict[str, JsonValue]:
    """
    Return what is wrong with one field.

    Its pointer (RFC 6901) leads to the member of *data* that has the field, whatever it is called there, and
    begins with *at*.
    """
    name = _member(error.field, data).replace("~", "~0").replace("/", "~1")
    return {
        "pointer": f"{at}/{name}" if error.field else at,
        "field": error.field,
        "label": error.label,
        "code": int(error.code),
        "detail": f"{error.problem}; {error.advice}",
    }


def _member(field: str, data: object) -> str:
    if not isinstance(data, Mapping) or field in data:
        return field
    return next((name for name in data if isinstance(name, str) and field_of(name) == field), field)
