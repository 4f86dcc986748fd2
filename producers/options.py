"""Options of enqueueing, which are no part of the message: refused like parameters when they are wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from tasks.contract.errors import FieldError, InvalidInput, Refused, quoted, refusal
from tasks.contract.moments import parse_moment
from tasks.contract.names import Lane

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

T = TypeVar("T")

#: By their names, which a lane is equal to.
_LANES: Final[Mapping[object, Lane]] = {lane.value: lane for lane in Lane}


def parse_option(name: str, value: object, parse_value: Callable[[object], T]) -> T:
    """
    Return the option *name* parsed.

    Raises:
        InvalidInput: it is refused, as a parameter of the message would be.
    """
    try:
        return parse_value(value)
    except Refused as refused:
        label = name.replace("_", " ").title()
        errors = [FieldError(name, label, p.code, p.what, p.expected) for p in refused.problems]
        raise InvalidInput(tuple(errors)) from None


def parse_lane(value: object) -> Lane:
    """
    Return the lane of this name.

    Raises:
        Refused: there is none.
    """
    try:
        return _LANES[value]
    except (KeyError, TypeError):
        raise refusal(f"{quoted(value)} is no lane", f"must be one of {', '.join(Lane)}") from None


def due_at(send_at: datetime | str | None) -> datetime | None:
    """
    Return the moment before which a mail is not sent, if there is one.

    Raises:
        InvalidInput: it is no moment.
    """
    return None if send_at is None else parse_option("send_at", send_at, parse_moment)
