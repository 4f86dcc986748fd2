"""What `postroom reset` does, once its options are read."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from producers.away import located
from producers.cli import connection
from producers.cli.output import print_json
from producers.errors import QueueUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic import JsonValue

    from producers.password_reset.resets import Resets
    from tasks.journal.audit import Audited

_COLUMNS = ("when", "workflow", "user", "actor", "ticket", "reason", "result", "mail")


@contextmanager
def connected(broker: str | None, journal: str | None) -> Iterator[Resets]:
    """
    Lend what asks for resets.

    Raises:
        QueueUnavailable: with the place where the queue should be.
    """
    try:
        with connection.resets(broker, journal) as resets:
            yield resets
    except QueueUnavailable as away:
        where = connection.place(broker, journal)
        raise located(away, where, "--broker") from away


def show(found: Sequence[Audited], *, as_json: bool) -> None:
    """Print the records, newest first."""
    if as_json:
        print_json([_document(record) for record in found])
        return
    table = Table(*_COLUMNS, box=None, pad_edge=False)
    for record in found:
        table.add_row(*(Text(cell) for cell in _cells(record)))
    Console(highlight=False, soft_wrap=True).print(table)


def _document(record: Audited) -> dict[str, JsonValue]:
    asked = record.asked
    return {
        "at": record.at.isoformat(timespec="seconds"),
        "mail_id": asked.mail_id,
        "workflow": asked.workflow,
        "user": asked.target,
        "actor": asked.actor,
        "reason": asked.reason,
        "ticket": asked.ticket,
        "code": record.code,
        "message": record.message,
        "message_id": record.message_id,
    }


def _cells(record: Audited) -> Iterator[str]:
    asked = record.asked
    yield f"{record.at:%Y-%m-%d %H:%M:%S}"
    yield asked.workflow
    for value in (asked.target, asked.actor, asked.ticket, asked.reason):
        yield value or ""
    yield f"{record.code} {record.message}" if record.code is not None else "under way"
    yield asked.mail_id
