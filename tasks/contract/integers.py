"""Whole numbers: the port and the time budget."""

from __future__ import annotations

import re
from typing import Final

from tasks.contract.errors import quoted, refusal
from tasks.contract.limits import MAX_TIMEOUT, MIN_TIMEOUT

_DIGITS: Final = re.compile(r"[+-]?[0-9]{1,20}")
_LAST_PORT: Final = 65535


def parse_port(value: object) -> int:
    """
    Return a TCP port.

    Raises:
        Refused: it is no whole number, or none from 1 to 65535.

    """
    number = _whole(value, "must be an integer from 1 to 65535")
    if not 1 <= number <= _LAST_PORT:
        raise refusal(f"{quoted(number)} is no port", f"must be 1-{_LAST_PORT}")
    return number


def parse_timeout(value: object) -> int:
    """
    Return a time budget in milliseconds.

    Raises:
        Refused: it is no whole number, or out of range.

    """
    number = _whole(value, f"must be a whole number of milliseconds, {MIN_TIMEOUT}-{MAX_TIMEOUT}")
    if not MIN_TIMEOUT <= number <= MAX_TIMEOUT:
        raise refusal(
            f"{quoted(number)} is out of range", f"must be {MIN_TIMEOUT}-{MAX_TIMEOUT} milliseconds"
        )
    return number


def _whole(value: object, expected: str) -> int:
    if isinstance(value, str) and _DIGITS.fullmatch(value.strip(" \t\r\n")):
        return int(value)
    # JSON has one kind of number: 587.0 is an integer there (JSON Schema 2020-12, section 6.1.1).
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise refusal(f"{quoted(value)} is not a whole number", expected)
    return int(value)
