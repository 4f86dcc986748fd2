"""The parameters that several operations share, and what is sent in their bodies."""
# Without `from __future__ import annotations`: FastAPI evaluates these types.

from datetime import datetime
from typing import Annotated, Any, Final, TypeAlias

from fastapi import Header, Path, Query

from producers.web import problems
from producers.web.keys import Key
from producers.web.problems import Problem
from tasks.contract.errors import Refused
from tasks.contract.moments import parse_moment
from tasks.contract.names import Lane

#: The schema of an email, which the document has from the contract.
EMAIL: Final[dict[str, Any]] = {"$ref": "#/components/schemas/SendEmail"}
EXAMPLE: Final[dict[str, Any]] = {
    "to": "Jane Doe <jane@example.com>; john@example.com",
    "subject": "Your order",
    "body": "It is on its way.",
    "metadata": {"reference": "order-4711"},
}

IdempotencyKey: TypeAlias = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="Same key, same email: a repeat is answered with the first one's id. 1 to 255 printable "
        "ASCII characters without spaces, bare or in double quotes.",
        pattern=r"^[!-~]{1,255}$",
        examples=["8e03978e-40d5-43dd-bc93-6894a57f9324"],
    ),
]
WantedLane: TypeAlias = Annotated[
    Lane | None, Query(description="The queue to wait in: `reset` goes first, `bulk` last.")
]
SendAt: TypeAlias = Annotated[
    str | None,
    Query(
        description="Not to be sent before: a moment with its offset.",
        json_schema_extra={"format": "date-time"},
        examples=["2030-01-31T12:00:00Z"],
    ),
]
EmailId: TypeAlias = Annotated[
    str,
    Path(
        description="The id with which the email was accepted.",
        examples=["1f0c3ab0-1d1e-4c8e-9a4e-6f0d5c8f7a11"],
    ),
]


def lane_of(key: Key, wanted: Lane | None, *, otherwise: Lane = Lane.DEFAULT) -> Lane:
    """
    Return the lane in which mails of *key* wait.

    Raises:
        Problem: the one that is wanted is not the key's.
    """
    if wanted is None:
        return key.lane_for(otherwise)
    if wanted not in key.lanes:
        allowed = ", ".join(key.lanes)
        raise Problem(
            problems.FORBIDDEN,
            f"the API key may not use this lane; it has {allowed}",
            errors=[{"parameter": "lane", "in": "query", "detail": f"must be one of {allowed}"}],
        )
    return wanted


def moment_of(text: str | None) -> datetime | None:
    """
    Return the moment that *text* says.

    Raises:
        Problem: it says none.
    """
    try:
        return None if text is None else parse_moment(text)
    except Refused as refused:
        raise Problem(
            problems.INVALID,
            "the parameter send_at is wrong",
            errors=[{"parameter": "send_at", "in": "query", "detail": str(refused)}],
        ) from None
