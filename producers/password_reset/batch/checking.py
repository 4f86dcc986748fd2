"""The first pass over a file: everything that is wrong with it, before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Final

from producers.password_reset.batch.duplicates import Seen
from producers.password_reset.batch.reading import read
from producers.password_reset.batch.rows import Row, RowError, reset_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from producers.password_reset.batch.rows import Wish
    from tasks.contract.password_reset import PasswordReset

#: Errors that are kept to be shown; all of them are counted.
_SHOWN: Final = 10_000
#: Languages of which there are samples.
_LOCALES: Final = 10


@dataclass(slots=True)
class Checked:
    """
    What a file holds: how many rows can be used, are wrong, or say the same as one before.

    *locales* are the languages that usable rows ask for, the first few that were met.
    """

    usable: int = 0
    wrong: int = 0
    duplicates: int = 0
    errors: list[RowError] = field(default_factory=list)
    repeats: list[RowError] = field(default_factory=list)
    first: PasswordReset | None = None
    locales: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self.usable + self.wrong + self.duplicates


@dataclass(frozen=True, slots=True)
class Usable:
    """A row that asks for something, and what it asks for."""

    row: Row
    reset: PasswordReset


class Repeat(RowError):
    """A row that says the same as one before, and is left out."""


def sifted(file: IO[bytes], wish: Wish) -> Iterator[Usable | RowError]:
    """
    Yield what each row of *file* comes to; of rows with the same key only the first is usable.

    Raises:
        UnusableFile: the file as a whole cannot be used.
    """
    with Seen() as seen:
        for row in read(file):
            yield row if isinstance(row, RowError) else _sifted(row, wish, seen)


def check(file: IO[bytes], wish: Wish, *, tell: Callable[[int], object] = lambda _: None) -> Checked:
    """
    Read the whole *file*, and *tell* now and then how many rows were read.

    Raises:
        UnusableFile: the file as a whole cannot be used.
    """
    found = Checked()
    for each in sifted(file, wish):
        _note(found, each)
        if found.rows % 1000 == 0:
            tell(found.rows)
    return found


def _sifted(row: Row, wish: Wish, seen: Seen) -> Usable | RowError:
    reset = reset_of(row, wish)
    if isinstance(reset, RowError):
        return reset
    first = seen.first_line(row.key, row.line)
    if first != row.line:
        return Repeat(row.line, f"says the same as line {first}; it is left out")
    return Usable(row, reset)


def _note(found: Checked, each: Usable | RowError) -> None:
    match each:
        case Usable():
            found.usable += 1
            found.first = found.first or each.reset
            _add_locale(found.locales, each.reset.locale)
        case Repeat():
            found.duplicates += 1
            _keep(found.repeats, each)
        case RowError():
            found.wrong += 1
            _keep(found.errors, each)


def _add_locale(known: list[str], locale: str) -> None:
    if locale not in known and len(known) < _LOCALES:
        known.append(locale)


def _keep(kept: list[RowError], error: RowError) -> None:
    if len(kept) < _SHOWN:
        kept.append(error)
