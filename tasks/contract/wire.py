"""How parsed values look in JSON."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from tasks.contract.addresses import Mailbox
from tasks.contract.security import Security
from tasks.contract.trust import Trust

if TYPE_CHECKING:
    from pydantic import JsonValue


def to_json(value: object) -> JsonValue:
    """
    Return the canonical JSON form of a parsed value, which its parser reads back as the same value.

    Raises:
        TypeError: no field of the contract has values of this type.

    """
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, tuple):
        return [to_json(element) for element in value]
    if isinstance(value, dict):
        return {str(key): to_json(element) for key, element in value.items()}
    return _text(value)


def _text(value: object) -> str | None:
    if isinstance(value, Mailbox):
        return value.format()
    if isinstance(value, Security):
        return None if value is Security.NONE else str(value.value)
    if isinstance(value, Trust):
        return value.wire
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"no field of the contract holds a {type(value).__name__}")
