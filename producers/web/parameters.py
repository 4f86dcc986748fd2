"""
The parameters of handing in and asking, read by hand.

These operations are most of what a gateway does, and FastAPI's way of reading parameters takes longer than
all the rest of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple, NoReturn, TypeAlias

from fastapi import Path
from starlette.datastructures import QueryParams

from producers.options import parse_lane
from producers.web import problems
from producers.web.letters import Letter
from producers.web.problems import Problem
from tasks.contract.errors import Refused
from tasks.contract.metadata import parse_key
from tasks.contract.moments import parse_moment
from tasks.contract.names import Lane

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.requests import Request

    from producers.web.keys import Key
    from tasks.contract.parameters import SendEmail

#: The schema of an email, which the document has from the contract.
EMAIL: Final[dict[str, Any]] = {"$ref": "#/components/schemas/SendEmail"}
EXAMPLE: Final[dict[str, Any]] = {
    "to": "Jane Doe <jane@example.com>; john@example.com",
    "subject": "Your order",
    "body": "It is on its way.",
    "metadata": {"reference": "order-4711"},
}

_LONGEST_WAIT: Final = 300.0
_NO_QUERY: Final = QueryParams()

#: What the OpenAPI document says of the parameters of handing in.
HANDING_IN: Final[list[dict[str, Any]]] = [
    {
        "name": "lane",
        "in": "query",
        "description": "The queue to wait in: `reset` goes first, `bulk` last.",
        "schema": {"$ref": "#/components/schemas/Lane"},
    },
    {
        "name": "send_at",
        "in": "query",
        "description": "Not to be sent before: a moment with its offset.",
        "schema": {"type": "string", "format": "date-time"},
        "example": "2030-01-31T12:00:00Z",
    },
    {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Same key, same email: a repeat is answered with the first one's id. 1 to 255 "
        "printable ASCII characters without spaces, bare or in double quotes.",
        "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
        "example": "8e03978e-40d5-43dd-bc93-6894a57f9324",
    },
]
WAIT: Final[dict[str, Any]] = {
    "name": "wait",
    "in": "query",
    "description": "Seconds to wait for a final state; the gateway has a limit of its own.",
    "schema": {"type": "number", "minimum": 0, "maximum": _LONGEST_WAIT, "default": 0},
}


EmailId: TypeAlias = Annotated[str, Path(description="The id with which the email was accepted.")]


class Handing(NamedTuple):
    """How *key* wants mails to be handed in."""

    key: Key
    lane: Lane
    send_at: datetime | None
    idempotency_key: str | None

    def letter(self, mail: SendEmail) -> Letter:
        """Return *mail* as it is to be handed in."""
        return Letter(self.key, mail, self.lane, self.send_at)


def handing_of(request: Request, key: Key, *, otherwise: Lane = Lane.DEFAULT) -> Handing:
    """
    Return how *key* wants mails to be handed in; in the lane *otherwise* where the request names none.

    Raises:
        Problem: a parameter is wrong, or the lane is not the key's.
    """
    # Reading a query takes as long as all the rest here, and few have one.
    query = request.query_params if request.scope["query_string"] else _NO_QUERY
    return Handing(
        key,
        _lane(query.get("lane"), key, otherwise),
        _moment(query.get("send_at")),
        _idempotency_key(request),
    )


def wait_of(request: Request) -> float:
    """
    Return how many seconds the answer may be held back.

    Raises:
        Problem: the parameter is wrong.
    """
    text = request.query_params.get("wait")
    if text is None:
        return 0.0
    try:
        wait = float(text)
    except ValueError:
        _refuse("wait", "query", "is no number; must be a number of seconds")
    if not 0 <= wait <= _LONGEST_WAIT:
        _refuse("wait", "query", f"must be 0 to {_LONGEST_WAIT:g} seconds")
    return wait


def _lane(wanted: str | None, key: Key, otherwise: Lane) -> Lane:
    if wanted is None:
        return key.lane_for(otherwise)
    try:
        lane = parse_lane(wanted)
    except Refused as refused:
        _refuse("lane", "query", str(refused))
    if lane not in key.lanes:
        allowed = ", ".join(key.lanes)
        raise Problem(
            problems.FORBIDDEN,
            f"the API key may not use this lane; it has {allowed}",
            errors=[{"parameter": "lane", "in": "query", "detail": f"must be one of {allowed}"}],
        )
    return lane


def _moment(text: str | None) -> datetime | None:
    try:
        return None if text is None else parse_moment(text)
    except Refused as refused:
        _refuse("send_at", "query", str(refused))


def _idempotency_key(request: Request) -> str | None:
    """Return the key of the header, which may stand in double quotes as the draft has it."""
    text = request.headers.get("idempotency-key")
    if text is None:
        return None
    try:
        return parse_key(text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text)
    except Refused as refused:
        _refuse("Idempotency-Key", "header", str(refused))


def _refuse(name: str, place: str, detail: str) -> NoReturn:
    raise Problem(
        problems.INVALID,
        "a parameter is wrong; errors says which and why",
        errors=[{"parameter": name, "in": place, "detail": detail}],
    ) from None
