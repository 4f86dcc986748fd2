"""What `postroom quarantine` does, once its options are read."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, NoReturn

import typer

from producers.away import located
from producers.cli import connection
from producers.cli.exit_codes import ExitCode, worst
from producers.cli.output import print_json, print_trouble
from producers.cli.troubles import Trouble, trouble_of
from producers.errors import EntryNotFound, NotRequeued, QueueUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import JsonValue

    from producers.quarantine import QuarantineRoom
    from tasks.journal.quarantine import Quarantined


def list_entries(broker: str | None, journal: str | None, *, as_json: bool) -> None:
    """Print all entries."""
    with _opened(broker, journal) as room:
        entries = room.entries()
    if as_json:
        print_json([_document(entry) for entry in entries])
    for entry in entries if not as_json else ():
        print("  ".join(_line(entry)))  # noqa: T201 - the output


def show(broker: str | None, journal: str | None, entry_id: str, *, as_json: bool) -> None:
    """Print one entry."""
    with _opened(broker, journal) as room:
        entry = room.entry(entry_id)
    document = _document(entry)
    if as_json:
        print_json(document)
        return
    parts = document.pop("parts")
    for name, value in {**document, **(parts if isinstance(parts, dict) else {})}.items():
        print(f"{name:<32}{value}")  # noqa: T201 - the output


def change(  # noqa: PLR0913 - where, which and how
    outcome: Literal["requeued", "dropped"],
    broker: str | None,
    journal: str | None,
    entry_ids: list[str] | None,
    *,
    every: bool,
    as_json: bool,
) -> NoReturn:
    """Put entries back or throw them away, and say for each what became of it."""
    if every == bool(entry_ids):
        raise typer.BadParameter("name entries, or all of them with --all", param_hint="ID")
    with _opened(broker, journal) as room:
        # The oldest first, so that they stand in their queue in that order again.
        ids = [entry.entry_id for entry in reversed(room.entries())] if every else entry_ids or []
        found = [(entry_id, _change(room, entry_id, outcome)) for entry_id in ids]
    for entry_id, trouble in found if not as_json else ():
        if trouble:
            print_trouble(trouble)
        else:
            print(f"{entry_id}  {outcome}")  # noqa: T201 - the output
    if as_json:
        print_json([_answer(entry_id, outcome, trouble) for entry_id, trouble in found])
    sys.exit(worst(trouble.exit_code if trouble else ExitCode.OK for _, trouble in found))


def _change(room: QuarantineRoom, entry_id: str, outcome: str) -> Trouble | None:
    try:
        _ = room.requeue(entry_id) if outcome == "requeued" else room.drop(entry_id)
    except (EntryNotFound, NotRequeued) as error:
        return trouble_of(error)
    return None


def _answer(entry_id: str, outcome: str, trouble: Trouble | None) -> JsonValue:
    return {"id": entry_id, "error": trouble.as_json()} if trouble else {"id": entry_id, "outcome": outcome}


@contextmanager
def _opened(broker: str | None, journal: str | None) -> Iterator[QuarantineRoom]:
    try:
        with connection.quarantine(broker, journal) as room:
            yield room
    except QueueUnavailable as away:
        where = connection.place(broker, journal)
        raise located(away, where, "--broker") from away


def _document(entry: Quarantined) -> dict[str, JsonValue]:
    return {
        "id": entry.entry_id,
        "first_at": entry.first_at.isoformat(),
        "last_at": entry.last_at.isoformat(),
        "times": entry.times,
        "lane": entry.lane,
        "reason": entry.reason,
        "size": entry.size,
        "can_be_requeued": entry.is_kept,
        "task": entry.facts.task,
        "mail_id": entry.facts.mail_id,
        "parts": dict(entry.facts.parts),
    }


def _line(entry: Quarantined) -> Iterator[str]:
    yield entry.entry_id
    yield entry.last_at.isoformat(timespec="seconds")
    yield entry.lane
    yield f"{entry.size} bytes"
    yield entry.reason
    if entry.facts.mail_id:
        yield f"id {entry.facts.mail_id}"
    if entry.times > 1:
        yield f"{entry.times} times"
