"""
Ordinary mails, read from queue entries in one go. Pure.

An entry is ordinary when nothing about it needs kombu or Celery: it is of today's form, plain JSON, with the
headers that every mail has, and nothing is to follow on it. All others are left to `worker.envelopes` and
`worker.requests`, which say what is wrong with one where something is.
"""

from __future__ import annotations

import binascii
from typing import Any, Final, NamedTuple

from pydantic_core import from_json

from worker.envelopes import MAX_ENTRY, is_name
from worker.requests import are_usual, is_optional_name

_FORM: Final = ("application/json", "utf-8")
#: How kombu writes kinds of values that JSON does not have.
_KIND: Final = "__type__"


class Ordinary(NamedTuple):
    """What an entry says; *root_id* is that of the task which began it all, as a rule this one."""

    mail_id: str
    root_id: str
    parameters: dict[str, Any]


def read_ordinary(raw: bytes) -> Ordinary | None:
    """Return what the entry *raw* says, or None where anything about it is out of the ordinary."""
    if len(raw) > MAX_ENTRY:
        return None
    try:
        return _read(raw)
    except Exception:  # noqa: BLE001 (it is no message of ours; the long way finds out what it is)
        return None


def _read(raw: bytes) -> Ordinary | None:
    entry = _json(raw)
    headers, properties = entry["headers"], entry["properties"]
    if (entry["content-type"], entry["content-encoding"]) != _FORM or not are_usual(headers):
        return None
    mail_id = headers["id"]
    if not _are_plain(properties, mail_id):
        return None
    body = _text(entry["body"], properties["body_encoding"])
    if _KIND in body:
        return None
    arguments, keywords, following = _json(body)
    if type(arguments) is not list or type(keywords) is not dict:
        return None
    if following is not None and any(following.values()):
        return None
    parameters = {"args": arguments, **keywords} if arguments else keywords
    return Ordinary(mail_id, headers["root_id"], parameters)


def _are_plain(properties: Any, mail_id: str) -> bool:
    correlation_id, reply_to = properties.get("correlation_id"), properties.get("reply_to")
    return (
        is_name(properties["delivery_tag"])
        and (correlation_id == mail_id or is_optional_name(correlation_id))
        and is_optional_name(reply_to)
    )


def _text(body: str, encoding: str) -> str:
    if encoding == "utf-8":
        return body
    if encoding == "base64":
        return binascii.a2b_base64(body).decode()
    raise ValueError(encoding)


def _json(text: str | bytes) -> Any:
    return from_json(text, allow_inf_nan=False, cache_strings="keys")
