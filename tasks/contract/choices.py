"""Values of which there are only a few, and the spellings under which they are accepted."""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias

from tasks.contract.errors import kind, quoted, refusal
from tasks.contract.security import Security
from tasks.contract.text import as_text, line

EmailFormat: TypeAlias = Literal["plain", "html"]
OnUnknown: TypeAlias = Literal["report", "resend"]

_SECURITY: Final = {
    "": Security.NONE,
    "null": Security.NONE,
    "none": Security.NONE,
    "unsecure": Security.NONE,
    "tls": Security.STARTTLS,
    "starttls": Security.STARTTLS,
    "ssl": Security.IMPLICIT_TLS,
    "smtps": Security.IMPLICIT_TLS,
    "ssl/tls": Security.IMPLICIT_TLS,
}
_FORMATS: Final[dict[str, EmailFormat]] = {
    "plain": "plain",
    "text": "plain",
    "plain text": "plain",
    "text/plain": "plain",
    "html": "html",
    "text/html": "html",
}


def parse_security(value: object) -> Security:
    """
    Return the transport security that `smtp_authentication` names; null is `Security.NONE`.

    Raises:
        Refused: it is something else, which is not repeated, since it may be a password in the wrong place.

    """
    if value is None:
        return Security.NONE
    if not isinstance(value, str):
        raise refusal(f"is {kind(value)}", "must be a string or null: null, TLS or SSL")
    found = _SECURITY.get(_folded(value))
    if found is None:
        raise refusal("is none of the known modes", "must be null, TLS or SSL")
    return found


def parse_format(value: object) -> EmailFormat:
    """
    Return the format of the body.

    Raises:
        Refused: it is neither HTML nor plain text.

    """
    found = _FORMATS.get(_folded(line(value)))
    if found is None:
        raise refusal(f"{quoted(value)} is no format", "must be HTML or plain text")
    return found


def parse_on_unknown(value: object) -> OnUnknown:
    """
    Return what happens to a mail whose final dot stayed without an answer.

    Raises:
        Refused: it is neither "report" nor "resend".

    """
    text = _folded(as_text(value))
    if text == "report":
        return "report"
    if text == "resend":
        return "resend"
    raise refusal(f"{quoted(value)} is no choice", 'must be "report" or "resend"')


def _folded(text: str) -> str:
    return re.sub(r" +", " ", text.strip(" \t\r\n").lower())
