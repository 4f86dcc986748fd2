"""What is wrong with a value, in the house's words: pydantic's are for those who know that it is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

_WHOLE: Final = "is no whole number"
_NUMBER: Final = "is no number"
_SWITCH: Final = "is neither true nor false"
_TEXT: Final = "is no text"
_LIST: Final = "is no list"
_TABLE: Final = "is no table of names and values"
#: By pydantic's name of the error; what stands in braces is what the value was to be.
_WORDS: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "extra_forbidden": "is unknown",
    "int_parsing": _WHOLE,
    "int_type": _WHOLE,
    "int_from_float": _WHOLE,
    "int_parsing_size": "has too many digits",
    "float_parsing": _NUMBER,
    "float_type": _NUMBER,
    "finite_number": "is no finite number",
    "bool_parsing": _SWITCH,
    "bool_type": _SWITCH,
    "string_type": _TEXT,
    "string_unicode": _TEXT,
    "bytes_type": _TEXT,
    "path_type": "is no path",
    "list_type": _LIST,
    "tuple_type": _LIST,
    "set_type": _LIST,
    "dict_type": _TABLE,
    "model_type": _TABLE,
    "model_attributes_type": _TABLE,
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
    "string_pattern_mismatch": "has not the form {pattern}",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "datetime_type": "is no moment",
    "datetime_parsing": "is no moment, such as 2030-01-31T12:00:00Z",
    "datetime_from_date_parsing": "is no moment, such as 2030-01-31T12:00:00Z",
    "timezone_aware": "has no offset from UTC",
}
_UNKNOWN: Final = "cannot be used here"


def complaint(details: ErrorDetails | Mapping[str, Any]) -> str:
    """Return what is wrong, without the value; a validator of ours has said it itself."""
    context: Mapping[str, Any] = details.get("ctx") or {}
    if details["type"] in {"value_error", "assertion_error"}:
        return str(context["error"]) if "error" in context else _said(details["msg"])
    try:
        return _WORDS.get(details["type"], _UNKNOWN).format_map({k: _short(v) for k, v in context.items()})
    except KeyError:
        return _UNKNOWN


def _said(message: str) -> str:
    """Return what a validator said, where its error itself is not at hand."""
    return message.removeprefix("Value error, ").removeprefix("Assertion failed, ")


def _short(value: object) -> object:
    return f"{value:g}" if isinstance(value, float) else value
