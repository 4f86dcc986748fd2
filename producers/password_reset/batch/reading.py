"""Reading the rows of a CSV or JSON Lines file, one at a time, whatever the file holds."""

from __future__ import annotations

import csv
import json
from typing import IO, TYPE_CHECKING, Any, Final

from producers.password_reset.batch.rows import COLUMNS, Row, RowError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_DELIMITERS: Final = ",;\t|"
#: Characters of the longest line; one without an end is not read into memory.
_LONGEST_LINE: Final = 64 * 1024
_NOT_UTF8: Final = "is not UTF-8; save the file in that encoding"


class UnusableFile(ValueError):
    """The file as a whole cannot be used; the text says why and what is expected."""


def read(file: IO[bytes]) -> Iterator[Row | RowError]:
    """
    Yield each row of *file*, or what is wrong with it; blank lines are no rows.

    JSON Lines where the first row begins with `{`, else CSV with a line of column names; UTF-8, with or
    without BOM. Memory does not grow with the file.

    Raises:
        UnusableFile: it is empty, has no column that names the user, names a column twice, or is no CSV.
    """
    lines = _Lines(file)
    first = next((line for line in lines if line.strip()), None)
    if first is None:
        raise UnusableFile("the file is empty; expected a line of column names, or JSON objects")
    if first.lstrip().startswith("{"):
        yield from _json_rows(first, lines)
    else:
        yield from _csv_rows(first, lines)


class _Lines:
    """The lines of a file as text, counted; bytes that are not UTF-8 become lone surrogates."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.number = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        raw = self._file.readline(_LONGEST_LINE)
        if not raw:
            raise StopIteration
        self.number += 1
        if len(raw) == _LONGEST_LINE and not raw.endswith(b"\n"):
            self._skip()
            # No row can be made of it: an unknown character makes whoever reads it say so.
            raw = b"\xff\n"
        if self.number == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        return raw.decode("utf-8", "surrogateescape")

    def _skip(self) -> None:
        while (rest := self._file.readline(_LONGEST_LINE)) and not rest.endswith(b"\n"):
            pass


def _csv_rows(first: str, lines: _Lines) -> Iterator[Row | RowError]:
    delimiter = max(_DELIMITERS, key=first.count)
    try:
        names = _names(next(csv.reader([first], delimiter=delimiter)))
    except csv.Error as error:
        raise UnusableFile(
            f"the line of column names is no CSV ({error}); check its quotes, and end lines with LF or CRLF"
        ) from None
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = lines.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield RowError(line, f"is no CSV ({error}); check its quotes")
            continue
        if any(cell.strip() for cell in cells):
            yield _csv_row(line, names, cells)


def _csv_row(line: int, names: list[str], cells: list[str]) -> Row | RowError:
    if not _is_text(cells):
        return RowError(line, _NOT_UTF8)
    if len(cells) > len(names) and any(cell.strip() for cell in cells[len(names) :]):
        return RowError(line, f"has {len(cells)} cells; expected {len(names)}, as the first line has names")
    return Row(line, {name: cell.strip() for name, cell in zip(names, cells, strict=False) if name})


def _names(cells: list[str]) -> list[str]:
    """Return the columns by their own names, "" for those that say nothing to us."""
    names = [COLUMNS.get(cell.strip().lower(), "") for cell in cells]
    # An address column is the user only where none is named so.
    if names.count("user") > 1:
        exact = [cell.strip().lower() == "user" for cell in cells]
        if exact.count(True) != 1:
            raise UnusableFile("more than one column names the user; call one of them user")
        names = [
            "" if name == "user" and not is_exact else name
            for name, is_exact in zip(names, exact, strict=True)
        ]
    if "user" not in names:
        raise UnusableFile(
            "no column names the user; the first line must have user, username, login or email"
        )
    repeated = sorted({name for name in names if name and names.count(name) > 1})
    if repeated:
        raise UnusableFile(f"the column {repeated[0]} stands there twice; rename one of them")
    return names


def _json_rows(first: str, lines: _Lines) -> Iterator[Row | RowError]:
    line = lines.number
    text: str | None = first
    while text is not None:
        if text.strip():
            yield _json_row(line, text)
        text = next(lines, None)
        line = lines.number


def _json_row(line: int, text: str) -> Row | RowError:
    if not _is_text([text]):
        return RowError(line, _NOT_UTF8)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return RowError(line, "is no JSON; expected one object on each line")
    if not isinstance(found, dict):
        return RowError(line, "is no JSON object; expected one on each line")
    values = {COLUMNS.get(str(name).strip().lower(), ""): _cell(value) for name, value in found.items()}
    values.pop("", None)
    return Row(line, values)


def _cell(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _is_text(cells: Iterable[str]) -> bool:
    return not any(
        "\ud800" <= character <= "\udfff" for cell in cells if not cell.isascii() for character in cell
    )
