"""
Whether a queue entry is a message, before anything is done with it. Pure.

Entries have the form that kombu gives them on Redis: a JSON object around a body. kombu and Celery take that
for granted, and the first entry that is otherwise ends the worker, which finds it again when it is back.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any, Final

from tasks.contract.reading import read_json
from worker.decompression import is_bounded

#: Bytes of an entry, and of a body when it is decompressed: more than the contract lets any message have.
MAX_ENTRY: Final = 64 * 1024 * 1024
_MAX_NAME: Final = 255
_MAX_PRIORITY: Final = 255
_BASE64: Final = "base64"
_ENCODINGS: Final = (_BASE64, None, "", "utf-8", "UTF-8")


@dataclass(frozen=True, slots=True)
class Sound:
    """An entry that is a message; *payload* is what kombu makes its `Message` of."""

    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Poison:
    """An entry that is none; *reason* says what is wrong with it, and nothing of what it holds."""

    reason: str


class Flaw(Exception):
    """What is wrong with an entry or a message; the text says nothing of what it holds."""


def examine(raw: bytes, *, lane: str) -> Sound | Poison:
    """
    Return the entry *raw* of the queue *lane* as a message, or what is wrong with it.

    Where it came from is what the queue says, and not what the entry does: when its worker dies, it goes
    back there. A priority that is none is dropped, since the mail can do without.
    """
    try:
        payload = _object(raw)
        properties = _mapping(payload, "properties")
        _tag(properties)
        _body(payload, properties)
    except Flaw as flaw:
        return Poison(str(flaw))
    properties["delivery_info"] = {"exchange": "", "routing_key": lane}
    if not is_count(properties.get("priority"), most=_MAX_PRIORITY):
        properties["priority"] = 0
    return Sound(payload)


def is_name(value: object) -> bool:
    """Whether *value* is a short text that can be shown, as ids and names are."""
    return isinstance(value, str) and 0 < len(value) <= _MAX_NAME and value.isprintable()


def is_count(value: object, *, most: int) -> bool:
    """Whether *value* is a whole number from 0 to *most*."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


def _object(raw: bytes) -> dict[str, Any]:
    if len(raw) > MAX_ENTRY:
        raise Flaw(f"is larger than {MAX_ENTRY} bytes")
    try:
        payload = read_json(raw)
    except (ValueError, RecursionError):
        raise Flaw("is not JSON") from None
    if not isinstance(payload, dict):
        raise Flaw("is not a JSON object")
    return payload


def _mapping(payload: dict[str, Any], name: str) -> dict[str, Any]:
    found = payload.get(name)
    if not isinstance(found, dict):
        raise Flaw(f"{name}: must be an object")
    return found


def _tag(properties: dict[str, Any]) -> None:
    if not is_name(properties.get("delivery_tag")):
        raise Flaw("properties.delivery_tag: must be a short text")


def _body(payload: dict[str, Any], properties: dict[str, Any]) -> None:
    if payload.get("headers") is None:
        payload["headers"] = {}
    headers = _mapping(payload, "headers")
    body, encoding = payload.get("body"), properties.get("body_encoding")
    if not isinstance(body, str) or not body:
        raise Flaw("body: must be text")
    if encoding not in _ENCODINGS:
        raise Flaw("properties.body_encoding: must be base64 or utf-8")
    try:
        # As lenient as kombu is: line breaks between the letters are no error.
        content = base64.b64decode(body) if encoding == _BASE64 else body.encode()
    except (binascii.Error, ValueError):
        raise Flaw(f"body: is not {encoding or 'utf-8'}") from None
    compression = headers.get("compression")
    if compression and not is_bounded(content, compression, most=MAX_ENTRY):
        raise Flaw("body: cannot be decompressed, or is too large then")
