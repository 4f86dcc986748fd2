"""What became of each row of a job, as CSV, JSON Lines or a page."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from producers.password_reset.batch.records import RowRecord, RowState
    from producers.password_reset.batch.store import Job

COLUMNS: Final = (
    "row",
    "recipient",
    "state",
    "code",
    "enhanced_status",
    "message",
    "message_id",
    "attempts",
    "at",
    "mail_id",
)
#: What a spreadsheet takes for the beginning of a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def values(record: RowRecord) -> dict[str, str | int | None]:
    """Return what a report says of a row."""
    return {
        "row": record.line,
        "recipient": record.recipient,
        "state": record.state.value,
        "code": record.code,
        "enhanced_status": record.status,
        "message": record.message,
        "message_id": record.message_id,
        "attempts": record.tries,
        "at": datetime.fromtimestamp(record.at, UTC).isoformat(),
        "mail_id": record.mail_id,
    }


def write_csv(records: Iterable[RowRecord], file: IO[str]) -> None:
    """Write a table for spreadsheets, in which no cell is taken for a formula."""
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for record in records:
        writer.writerow(_harmless(value) for value in values(record).values())


def write_jsonl(records: Iterable[RowRecord], file: IO[str]) -> None:
    """Write an object for each row, one on each line."""
    for record in records:
        file.write(json.dumps(values(record), separators=(",", ":")) + "\n")


def write_html(job: Job, counts: dict[RowState, int], records: Iterable[RowRecord], file: IO[str]) -> None:
    """Write a page that needs nothing else, row by row."""
    environment = Environment(
        loader=PackageLoader("producers.password_reset.batch", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("report.html")
    shown = {state.value: count for state, count in counts.items() if count}
    parts = page.stream(job=job, counts=shown, columns=COLUMNS[:-1], rows=_rows(records))
    parts.enable_buffering(200)
    for part in parts:
        file.write(part)


def in_order(records: Iterable[RowRecord]) -> list[RowRecord]:
    """Return the records by line, each once."""
    return [record for _, record in sorted({record.line: record for record in records}.items())]


def _rows(records: Iterable[RowRecord]) -> Iterator[dict[str, str | int | None]]:
    return (values(record) for record in records)


def _harmless(value: str | int | None) -> str | int:
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
