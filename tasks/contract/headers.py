"""Headers that a message may add: a small allow-list and `X-*`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from tasks.contract.errors import Problem, Refused, kind, quoted, refusal
from tasks.contract.limits import MAX_HEADER_NAME, MAX_HEADERS
from tasks.contract.text import line

_ALLOWED: Final = {
    name.lower(): name
    for name in (
        "In-Reply-To",
        "References",
        "List-Archive",
        "List-Help",
        "List-Id",
        "List-Owner",
        "List-Post",
        "List-Subscribe",
        "List-Unsubscribe",
        "List-Unsubscribe-Post",
        "Archived-At",
        "Auto-Submitted",
        "Comments",
        "Feedback-ID",
        "Importance",
        "Keywords",
        "Organization",
        "Precedence",
        "Priority",
        "Sensitivity",
        "Thread-Index",
        "Thread-Topic",
    )
}
_INSTEAD: Final = {
    "from": "use the field sender",
    "sender": "use the field sender",
    "reply-to": "use the field reply_to",
    "to": "use the field to",
    "cc": "use the field cc",
    "bcc": "use the field bcc",
    "subject": "use the field subject",
    "content-type": "use the fields email_format and encoding",
    "content-transfer-encoding": "it is chosen by what the server can take",
    "date": "it is made when the mail is accepted",
    "message-id": "it is made from the task id, equal in all attempts",
    "mime-version": "it is made with the mail",
}
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def parse_headers(value: object) -> dict[str, str]:
    """
    Return the extra headers under their usual spelling.

    Raises:
        Refused: with a problem for each header that may not be set, or cannot stand in a mail.

    """
    if not isinstance(value, Mapping):
        raise refusal(f"is {kind(value)}", "must be an object of header names and text")
    if len(value) > MAX_HEADERS:
        raise refusal(f"has {len(value)} headers", f"must have at most {MAX_HEADERS}")
    found: dict[str, str] = {}
    problems: list[Problem] = []
    for name, content in value.items():
        try:
            _add(found, _name(name), content)
        except Refused as refused:
            problems += refused.problems
    if problems:
        raise Refused(*problems)
    return found


def _add(found: dict[str, str], name: str, content: object) -> None:
    if name.lower() in map(str.lower, found):
        raise refusal(f"{quoted(name)} is given twice", "give it once")
    try:
        text = line(content)
    except Refused as refused:
        raise Refused(
            *(Problem(f"{quoted(name)} {each.what}", each.expected) for each in refused.problems)
        ) from refused
    if not text:
        raise refusal(f"{quoted(name)} is blank", "give it a value or leave it out")
    found[name] = text


def _name(name: object) -> str:
    if not isinstance(name, str) or len(name) > MAX_HEADER_NAME or not _TOKEN.fullmatch(name):
        raise refusal(f"{quoted(name)} is no header name", "letters, digits and hyphens only")
    folded = name.lower()
    if folded.startswith("x-") and len(folded) > len("x-"):
        return str.__str__(name)
    if folded not in _ALLOWED:
        advice = _INSTEAD.get(folded, "use X-* or one of " + ", ".join(_ALLOWED.values()))
        raise refusal(f"{quoted(name)} may not be set", advice)
    return _ALLOWED[folded]
