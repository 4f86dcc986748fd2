"""Which field a producer means, and what is said where there is no such field."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from tasks.contract.codes import LocalCode
from tasks.contract.errors import FieldError, quoted
from tasks.contract.labels import LABELS, field_of, label_of, squeeze

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST_NAME: Final = 80
_PASSWORDS: Final = {squeeze(name): name for name in ("Password", "Smtp Password", "Email Server Password")}
_SECRETS: Final = ("password", "passwd", "passphrase", "pwd", "secret")
_KEEP_OUT: Final = "passwords are not accepted in messages; they belong to the worker's account"
#: Names from the connector's credential and from other mail interfaces.
_OTHER_NAMES: Final = {
    "emailserver": "use Smtp Host",
    "emailport": "use Smtp Port",
    "emailserverusername": "use User Name",
    "username": "use User Name",
    "server": "use Smtp Host",
    "host": "use Smtp Host",
    "port": "use Smtp Port",
    "from": "use sender",
    "fromemail": "use sender",
    "recipients": "use to",
    "recipientlist": "use to",
    "message": "use body",
    "text": "use body",
    "html": 'use body with email_format "html"',
    "htmlmessage": 'use body with email_format "html"',
    "charset": "use encoding",
    "files": "use attachments",
    "messageid": "it is made from the task id, equal in all attempts",
    "sendat": "it is an option of enqueueing, not of the message",
    "lane": "it is an option of enqueueing, not of the message",
    "queue": "it is an option of enqueueing, not of the message",
    "priority": "it is an option of enqueueing, not of the message",
}
_FIELDS: Final = frozenset(LABELS)
_CANDIDATES: Final = {
    squeeze(name): name for field, label in LABELS.items() for name in (field, label)
} | _PASSWORDS


def named(data: Mapping[Any, object]) -> tuple[dict[str, object], list[FieldError]]:
    """Return the values of *data* under their fields' names, and an error for each name that is refused."""
    if data.keys() <= _FIELDS:
        return dict(data), []
    found: dict[str, object] = {}
    errors: list[FieldError] = []
    for name, value in data.items():
        field = field_of(name) if isinstance(name, str) else None
        if field is None:
            errors.append(_unknown(name))
        elif field in found:
            errors.append(_twice(field))
        else:
            found[field] = value
    return found, errors


def _twice(field: str) -> FieldError:
    advice = f"give it once, as {field} or as {label_of(field)}"
    return FieldError(field, label_of(field), LocalCode.INVALID_INPUT, "is given twice", advice)


def _unknown(name: object) -> FieldError:
    if not isinstance(name, str):
        return _error(quoted(name), "is no field name", "field names are strings")
    squeezed = squeeze(name[:_LONGEST_NAME])
    if squeezed == "pass" or any(secret in squeezed for secret in _SECRETS):
        return _error(quoted(name), "is refused", _KEEP_OUT, code=LocalCode.POLICY)
    return _error(quoted(name), "is an unknown field", _OTHER_NAMES.get(squeezed) or _suggestion(squeezed))


def _suggestion(squeezed: str) -> str:
    near = get_close_matches(squeezed, _CANDIDATES, n=1)
    if not near:
        return "remove it"
    suggestion = f'did you mean "{_CANDIDATES[near[0]]}"?'
    return f"{suggestion} {_KEEP_OUT}" if near[0] in _PASSWORDS else suggestion


def _error(name: str, problem: str, advice: str, *, code: LocalCode = LocalCode.INVALID_INPUT) -> FieldError:
    return FieldError(name.strip('"'), name, code, problem, advice)
