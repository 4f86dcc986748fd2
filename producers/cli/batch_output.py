"""What a batch shows while it runs, and says at its end."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NoReturn

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from producers.cli import batch_canary
from producers.cli.output import print_json
from producers.password_reset.batch.records import RowState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydantic import JsonValue
    from rich.progress import Task

    from producers.cli.batch_order import Order
    from producers.password_reset.batch.checking import Checked
    from producers.password_reset.batch.runner import Progress as Come
    from producers.password_reset.batch.store import Job, Store

#: Errors that people are shown; JSON has more of them.
_SHOWN: Final = 50
#: Seconds between lines where there is no terminal.
_EVERY: Final = 5.0


class _Rate(ProgressColumn):
    """How many rows a second were settled lately."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f}/s" if task.speed is not None else "")


@contextmanager
def reading() -> Iterator[Callable[[int], object]]:
    """Show that a long file is being read."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    with console.status("Reading ...") as shown:
        yield lambda rows: shown.update(f"Reading ... {rows:,} rows")


@contextmanager
def running(job_id: str, rows: int, *, is_quiet: bool) -> Iterator[Callable[[Come], object]]:
    """Show how far a job has come: a bar on a terminal, else a line now and then, on standard error."""
    console = Console(stderr=True)
    if is_quiet or not console.is_terminal:
        yield _lines(job_id, rows, is_quiet=is_quiet)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[counts]}"),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(job_id, total=rows, counts="")

        def tell(come: Come) -> None:
            if come.earlier != progress.tasks[0].fields.get("earlier"):
                # Rows of earlier runs are no work of this one: the rate begins behind them.
                progress.reset(task, total=rows, completed=_done(come), earlier=come.earlier)
            progress.update(task, completed=_done(come), counts=_counted(come))

        yield tell


def _lines(job_id: str, rows: int, *, is_quiet: bool) -> Callable[[Come], object]:
    last, settled = time.monotonic(), 0

    def tell(come: Come) -> None:
        nonlocal last, settled
        now, done = time.monotonic(), sum(come.settled.values())
        if not is_quiet and now - last >= _EVERY:
            rate = (done - settled) / (now - last)
            last, settled = now, done
            typer.echo(f"{job_id}: {_done(come)} of {rows} rows, {rate:.1f}/s, {_counted(come)}", err=True)

    return tell


def _done(come: Come) -> int:
    return come.earlier + sum(come.settled.values())


def _counted(come: Come) -> str:
    parts = [f"{count} {state}" for state, count in come.settled.items() if count]
    return ", ".join([*parts, f"{come.under_way} under way"])


def show_check(checked: Checked, order: Order, *, as_json: bool) -> None:
    """Say what a file holds, all that is wrong with it, and how its mail looks."""
    mails = batch_canary.samples(order, checked)
    if as_json:
        rendered: list[JsonValue] = [
            {"locale": mail.locale, "subject": mail.subject, "text": mail.text} for mail in mails
        ]
        print_json({**_check_document(checked), "samples": rendered})
        return
    typer.echo(
        f"{checked.rows} rows: {checked.usable} can be sent, {checked.wrong} are wrong, "
        f"{checked.duplicates} say the same as one before"
    )
    _list([*checked.errors, *checked.repeats], checked.wrong + checked.duplicates)
    for mail in mails:
        typer.echo(f"\nSubject: {mail.subject}\n\n{mail.text}", nl=False)


def show_left_out(checked: Checked) -> None:
    """Say which rows are left out."""
    _list([*checked.errors, *checked.repeats], checked.wrong + checked.duplicates)


def _list(errors: list[Any], count: int) -> None:
    for error in errors[:_SHOWN]:
        typer.echo(str(error), err=True)
    if count > _SHOWN:
        typer.echo(f"and {count - _SHOWN} more; --dry-run --json lists them", err=True)


def _check_document(checked: Checked) -> dict[str, Any]:
    return {
        "rows": checked.rows,
        "usable": checked.usable,
        "wrong": checked.wrong,
        "duplicates": checked.duplicates,
        "errors": [{"line": error.line, "problem": error.problem} for error in checked.errors],
        "repeats": [{"line": error.line, "problem": error.problem} for error in checked.repeats],
    }


def refuse(job: Job, *, as_json: bool) -> NoReturn:
    """
    Say that a job is not to go on, and how it may.

    Raises:
        SystemExit: 3.
    """
    if as_json:
        print_json({"job": job.job_id, "state": job.state.value, "why": job.why})
    elif job.state.value == "paused":
        why = f" ({job.why})" if job.why else ""
        typer.echo(
            f"{job.job_id} is paused{why}; postroom reset-passwords resume {job.job_id} lets it go on",
            err=True,
        )
    else:
        typer.echo(f"{job.job_id} was cancelled; give the file another --name to begin anew", err=True)
    sys.exit(3)


def finish(store: Store, job_id: str, *, is_over: bool, as_json: bool) -> NoReturn:
    """
    Say where a job stands now, and exit.

    Raises:
        SystemExit: 0 all sent, 1 some were not, 3 stopped before its end.
    """
    job, counts = store.job(job_id), store.counts(job_id)
    show_job(job, job_id, counts, as_json=as_json)
    if not is_over:
        sys.exit(3)
    sys.exit(0 if sum(counts.values()) == counts[RowState.SENT] else 1)


def show_job(job: Job | None, job_id: str, counts: dict[RowState, int], *, as_json: bool) -> None:
    """Say where a job stands, and how many rows stand where."""
    state, why, rows = (job.state.value, job.why, job.rows) if job else ("unknown", "", 0)
    if as_json:
        counted: JsonValue = {name.value: count for name, count in counts.items()}
        print_json({"job": job_id, "state": state, "why": why or None, "rows": rows, "counts": counted})
        return
    typer.echo(f"{job_id}  {state}" + (f": {why}" if why else ""))
    parts = [f"{count} {name}" for name, count in counts.items() if count]
    typer.echo(
        f"    {sum(counts.values())} of {rows} rows begun" + (": " + ", ".join(parts) if parts else "")
    )
