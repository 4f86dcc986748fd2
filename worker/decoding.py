"""Decoding the bodies of messages in less time than kombu does."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

from tasks.contract.reading import read_json

_JSON: Final = ("application/json", "utf-8")


def decode_plain(message: Any) -> None:
    """
    Decode the body of *message* where it is JSON and nothing more; else leave that to kombu.

    kombu calls a function of Python for each object, for kinds of values that JSON does not have; what is
    decoded here it keeps, so that nothing is decoded twice.
    """
    body, form = message.body, (message.content_type, message.content_encoding)
    is_plain = form == _JSON and isinstance(body, bytes) and b"__type__" not in body
    if is_plain and not message.headers.get("compression"):
        with suppress(ValueError, RecursionError):  # kombu says what is wrong with it.
            message._decoded_cache = read_json(body)  # noqa: SLF001 (kombu's own place for it)
