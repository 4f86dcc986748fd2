"""Moments in time: when a mail expires."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from tasks.contract.errors import Refused, kind, refusal

_EXPECTED: Final = "must be a time with its offset, such as 2030-01-31T12:00:00Z, or seconds since 1970"
_NOT_BEFORE: Final = datetime(2000, 1, 1, tzinfo=UTC)


def parse_moment(value: object) -> datetime:
    """
    Return a moment in UTC, from a `datetime`, an ISO 8601 string, or seconds since 1970.

    Raises:
        Refused: it is none of these, has no offset, or lies before 2000, as a duration in seconds would.

    """
    found = _read(value)
    if found.utcoffset() is None:
        raise refusal("has no time zone", "add an offset such as Z or +02:00")
    try:
        found = found.astimezone(UTC)
    except OverflowError as exc:
        raise _no_moment() from exc
    if found < _NOT_BEFORE:
        raise refusal("lies before the year 2000", f"{_EXPECTED}; not a duration")
    return found


def _read(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise refusal(f"is {kind(value)}", _EXPECTED)
    try:
        if isinstance(value, str):
            return datetime.fromisoformat(value.strip(" \t\r\n"))
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError) as exc:
        raise _no_moment() from exc


def _no_moment() -> Refused:
    return refusal("is no moment", f"{_EXPECTED}; not milliseconds")
