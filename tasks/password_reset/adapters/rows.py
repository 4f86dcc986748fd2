"""From a row, of a file or of a table, to a user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tasks.password_reset.ports import User

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The columns that a row may have; the first two it must.
COLUMNS: Final = ("user", "email", "name", "locale", "active", "verified", "stamp")
REQUIRED: Final = COLUMNS[:2]

_NO: Final = frozenset({"0", "no", "n", "false", "f", "off", "nein", "disabled", "inactive"})


def user_of(row: Mapping[str, Any]) -> User:
    """
    Return the user of a row with the columns `COLUMNS`; one that is missing or empty has its usual value.

    *active* and *verified* are true unless the row says no, in one of the words that people write.
    """
    return User(
        reference=str(row["user"]).strip(),
        address=_text(row, "email") or None,
        name=_text(row, "name"),
        locale=_text(row, "locale") or None,
        is_active=_is_true(row, "active"),
        is_verified=_is_true(row, "verified"),
        stamp=_text(row, "stamp"),
    )


def _text(row: Mapping[str, Any], column: str) -> str:
    value = row.get(column)
    return "" if value is None else str(value).strip()


def _is_true(row: Mapping[str, Any], column: str) -> bool:
    return _text(row, column).lower() not in _NO
