"""One row of a batch: whose password is to be reset, and what is wrong with a row that cannot be used."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tasks.contract.errors import InvalidInput
from tasks.contract.password_reset import PasswordReset, parse_password_reset

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What a column may be called, in any case.
COLUMNS: Final = {
    "user": "user",
    "username": "user",
    "login": "user",
    "email": "user",
    "id": "id",
    "locale": "locale",
    "language": "locale",
    "ticket": "ticket",
    "reason": "reason",
}
_LONGEST_ID: Final = 200


@dataclass(frozen=True, slots=True)
class Row:
    """
    A row as it was read: *values* by column, *line* counted from 1.

    Its *key*, the column `id` where there is one and else the user, makes it the same row in every run.
    """

    line: int
    values: Mapping[str, str] = field(repr=False)

    @property
    def key(self) -> str:
        """What the row is known by within its job."""
        return self.values.get("id") or self.values.get("user", "").casefold()


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong with the row that begins at *line*; it quotes nothing of it."""

    line: int
    problem: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.problem}"


@dataclass(frozen=True, slots=True)
class Wish:
    """What all rows of a job have in common."""

    actor: str
    reason: str | None = None
    template: str = "password-reset"
    locale: str = "en"
    ttl: int = 3600
    account: str | None = None
    timeout: int = 60_000


def reset_of(row: Row, wish: Wish) -> PasswordReset | RowError:
    """Return the reset that *row* asks for, or all that is wrong with it."""
    given = {name: value for name, value in row.values.items() if value and name != "id"}
    asked = {
        "workflow": "specified",
        "actor": wish.actor,
        "reason": wish.reason,
        "template": wish.template,
        "locale": wish.locale,
        "ttl": wish.ttl,
        "account": wish.account,
        "timeout": wish.timeout,
        **given,
    }
    length = len(row.values.get("id", ""))
    if length > _LONGEST_ID:
        return RowError(row.line, f"Id: has {length} characters; must have at most {_LONGEST_ID}")
    try:
        return parse_password_reset(asked)
    except InvalidInput as invalid:
        return RowError(row.line, str(invalid))
