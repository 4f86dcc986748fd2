"""Text from what a mail claims to be text, whatever it is."""

from __future__ import annotations

import re
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from typing import TYPE_CHECKING, Final

from tasks.contract.charsets import canonical, python_codec
from tasks.contract.errors import Refused

if TYPE_CHECKING:
    from email.message import Message

#: Characters of a header that are shown.
MOST_OF_A_HEADER: Final = 4000

#: White space, control characters, and those that turn the direction of what follows.
_INVISIBLE: Final = re.compile(r"[\x00-\x20\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+")


def text_of(content: bytes, charset: object) -> str:
    """Return *content* as text; a character set that is none, or not for mail, is taken for UTF-8."""
    try:
        codec = python_codec(canonical(charset))
    except (Refused, UnicodeError):
        codec = "utf-8"
    return content.decode(codec, "replace")


def header_of(part: Message, name: str) -> str:
    """Return a header's value for people, "" where there is none."""
    values = part.get_all(name) or []
    return header_text(values[0]) if values else ""


def header_text(value: object) -> str:
    """Return a header's value with its encoded words read, in one line."""
    raw = str(value)[:MOST_OF_A_HEADER].encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    try:
        found = str(make_header(decode_header(raw)))
    except (HeaderParseError, LookupError, ValueError, AssertionError):
        found = raw
    return visible(found)


def visible(text: str) -> str:
    """Return *text* in one line, without what cannot be seen in it."""
    return _INVISIBLE.sub(" ", text.encode("utf-8", "replace").decode()).strip()[:MOST_OF_A_HEADER]
