"""From a request to letters: the body, the contract, and what the key allows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

from producers.web import bodies, problems
from producers.web.gateway import gateway_of
from producers.web.handlers import invalid
from producers.web.letters import bound, violations
from producers.web.problems import Problem, field_error
from tasks.contract.codes import LocalCode
from tasks.contract.errors import FieldError, InvalidInput
from tasks.contract.labels import label_of
from tasks.contract.validation import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from producers.web.bodies import Share
    from producers.web.keys import Key
    from tasks.contract.parameters import SendEmail

T = TypeVar("T")

#: Bytes above which reading a body takes so long that it gets a thread.
_LONG: Final = 64 * 1024
_FIELD: Final = "idempotency_key"


async def read_json(request: Request, share: Share) -> bytes:
    """
    Return the body of a request that says that it is JSON.

    Raises:
        Problem: it does not say so, is too large or too slow.
    """
    bodies.require_json(request)
    settings = gateway_of(request).settings
    return await bodies.read(request, share, most=settings.max_body_bytes, within=settings.body_timeout)


async def made_from(request: Request, body: bytes, make: Callable[[bytes], T]) -> T:
    """Return what *make* makes of *body*: at once, or in a thread where that would hold up others."""
    return make(body) if len(body) <= _LONG else await gateway_of(request).call(make, body)


def mail_of(key: Key, data: Any, *, idempotency_key: str | None = None, at: str = "") -> SendEmail:
    """
    Return the mail that *key* hands in as *data*, which *at* points to in the body.

    Raises:
        Problem: it breaks the contract, or the key does not allow it.
    """
    try:
        mail = parse(_with_key(data, idempotency_key))
    except InvalidInput as error:
        raise invalid(error, at=at, data=data) from None
    refused = violations(key, mail)
    if refused:
        raise Problem(
            problems.FORBIDDEN,
            "the API key does not allow this email; errors says why",
            errors=[field_error(error, at=at, data=data) for error in refused],
        )
    return bound(key, mail)


def _with_key(data: Any, idempotency_key: str | None) -> Any:
    if idempotency_key is None or not isinstance(data, Mapping):
        return data
    given = data.get(_FIELD)
    if given is not None and given != idempotency_key:
        problem = FieldError(
            _FIELD,
            label_of(_FIELD),
            LocalCode.INVALID_INPUT,
            "differs from the header",
            "leave one of them out",
        )
        raise InvalidInput((problem,))
    return {**data, _FIELD: idempotency_key}
