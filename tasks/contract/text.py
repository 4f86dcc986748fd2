"""Which characters text may hold where: one line, a body (contract, section 3)."""

from __future__ import annotations

import re
from typing import Final

from tasks.contract.errors import kind, refusal
from tasks.contract.limits import MAX_BODY_BYTES, MAX_LINE

_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_LINE_BREAK: Final = re.compile("[\r\n]")
#: What may stand around a value without being part of it.
_AROUND: Final = " \t\r\n"
_MIB: Final = 1024 * 1024
_LONGEST_CHARACTER: Final = 4


def has_control(text: str) -> bool:
    """Whether *text* has a control character: C0 (TAB included), DEL, C1, or a Unicode line separator."""
    return not text.isprintable() and _CONTROL.search(text) is not None


def has_surrogate(text: str) -> bool:
    """Whether *text* has half a surrogate pair, which no character set can carry."""
    return not text.isascii() and _SURROGATE.search(text) is not None


def as_text(value: object) -> str:
    """Return *value* as a plain `str`; subclasses such as Django's `SafeString` lose their class."""
    if type(value) is str:
        return value
    if isinstance(value, str):
        return str.__str__(value)
    raise refusal(f"is {kind(value)}", "must be text")


def line(value: object, *, longest: int = MAX_LINE) -> str:
    """
    Return *value* as one line of text, without the white space around it.

    Raises:
        Refused: it is no text, too long, or has a character that cannot stand in a line.

    """
    text = as_text(value).strip(_AROUND)
    if _LINE_BREAK.search(text):
        raise refusal("contains line breaks", "must be a single line")
    if has_control(text):
        raise refusal("contains control characters", "remove them")
    if has_surrogate(text):
        raise refusal("contains characters that cannot be sent", "remove the lone surrogates")
    if len(text) > longest:
        raise refusal(f"has {len(text)} characters", f"must have at most {longest} characters")
    return text.strip()


def parse_subject(value: object) -> str:
    """Return the subject: one line in which a TAB counts as a space; a blank one is refused."""
    text = line(as_text(value).strip(_AROUND).replace("\t", " "))
    if not text:
        raise refusal("is blank", "a subject is required")
    return text


def parse_body(value: object) -> str:
    """Return the body as it came; every line end and control character but NUL may stand in it."""
    text = as_text(value)
    if not text:
        raise refusal("is empty", "a body is required")
    if "\0" in text or has_surrogate(text):
        raise refusal("contains characters that cannot be sent", "remove NUL characters and lone surrogates")
    if _is_longer(text, MAX_BODY_BYTES):
        raise refusal("is too long", f"must have at most {MAX_BODY_BYTES // _MIB} MiB in UTF-8")
    return text


def _is_longer(text: str, limit: int) -> bool:
    if len(text) * _LONGEST_CHARACTER <= limit:
        return False
    return len(text) > limit or len(text.encode()) > limit
