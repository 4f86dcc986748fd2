"""How parsed values look in JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING, Final

import pydantic_core

from tasks.contract.addresses import Mailbox
from tasks.contract.security import Security
from tasks.contract.trust import Trust

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from pydantic import JsonValue

# Kept, since making an encoder costs as much as writing a small mail with it.
_write: Final = json.JSONEncoder(separators=(",", ":")).encode
_write_sorted: Final = json.JSONEncoder(separators=(",", ":"), sort_keys=True).encode

#: Characters of a text for which it pays to ask whether pydantic's encoder writes the same as Python's.
_LONG: Final = 200


@dataclass(frozen=True, slots=True)
class Written:
    """
    A mail in JSON.

    *payload* is the object that travels in the queue; *canonical* the bytes that two requests for the same
    mail have in common, whatever their spelling.
    """

    payload: str = field(repr=False)
    canonical: bytes = field(repr=False)


def write(fields: Mapping[str, JsonValue], *, essential: AbstractSet[str]) -> Written:
    """
    Return *fields*, which are in order of their names, written; each value is encoded once.

    The canonical form has the *essential* ones only. Of most mails that is all of them.
    """
    texts = {name: _encoded(value) for name, value in fields.items()}
    payload = _object(texts)
    objects = {name: _write_sorted(value) for name, value in fields.items() if isinstance(value, dict)}
    if not objects and len(essential) == len(fields):
        return Written(payload, payload.encode("ascii"))
    core = {name: text for name, text in {**texts, **objects}.items() if name in essential}
    return Written(payload, _object(core).encode("ascii"))


def _encoded(value: JsonValue) -> str:
    if isinstance(value, str):
        # pydantic's takes a fourth of the time; it differs in what is not ASCII, and in DEL.
        if len(value) > _LONG and value.isascii() and "\x7f" not in value:
            return pydantic_core.to_json(value).decode("ascii")
        return encode_basestring_ascii(value)
    if isinstance(value, list):
        return f"[{','.join([_encoded(element) for element in value])}]"
    return _write(value)


def _object(texts: Mapping[str, str]) -> str:
    return "{" + ",".join([f'"{name}":{text}' for name, text in texts.items()]) + "}"


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
