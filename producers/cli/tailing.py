"""What `postroom tail` does at the journal, once its options are read."""

from __future__ import annotations

import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Final

import typer

from producers.away import located
from producers.changes import CannotFollow, Changes
from producers.cli import connection
from producers.cli.tail_lines import Printer, complain, printing
from producers.errors import QueueUnavailable
from producers.tailing import Tail

if TYPE_CHECKING:
    from producers.tailing import Wanted

#: Seconds without a change after which Ctrl-C and a lost connection are looked for.
_QUIET: Final = 1.0
#: Seconds between tries while the queue is away.
_PAUSE: Final = 1.0


def run(  # noqa: PLR0913 - what the options say
    broker: str | None, journal: str | None, wanted: Wanted, *, last: int, is_following: bool, as_json: bool
) -> None:
    """
    Print what happens until Ctrl-C, which is how it ends well.

    Raises:
        QueueUnavailable: the queue is away from the beginning; later it is waited for.
        typer.BadParameter: a URL cannot be used, or the server does not tell of changes.
    """
    url = connection.urls(broker, journal)[1]
    try:
        with printing(as_json=as_json) as printer, closing(Tail(url, wanted)) as tail:
            if is_following:
                _follow(tail, url, printer, last)
            else:
                _show_last(tail, printer, last)
    except QueueUnavailable as away:
        where = connection.place(broker, journal)
        raise located(away, where, "--broker") from away
    except CannotFollow as why:
        raise typer.BadParameter(str(why), param_hint="--journal") from None


def _follow(tail: Tail, url: str, printer: Printer, last: int) -> None:
    with Changes(url) as changes:
        # What happens during the search is told after it.
        _show_last(tail, printer, last)
        away = _tell(tail, changes, printer)
    while True:
        complain(f"{away}; trying again, and what happens meanwhile is not shown")
        away = _tell_again(tail, url, printer)


def _tell_again(tail: Tail, url: str, printer: Printer) -> QueueUnavailable:
    """Tell of changes as soon as the queue is back, until it is away once more."""
    while True:
        with suppress(QueueUnavailable), Changes(url) as changes:
            complain("following again")
            return _tell(tail, changes, printer)
        time.sleep(_PAUSE)


def _tell(tail: Tail, changes: Changes, printer: Printer) -> QueueUnavailable:
    """Tell of changes until the queue is away."""
    try:
        while not printer.is_stopped:
            printer.print(tail.news(changes.next(_QUIET)))
        raise KeyboardInterrupt
    except QueueUnavailable as away:
        return away


def _show_last(tail: Tail, printer: Printer, last: int) -> None:
    found, is_whole = tail.last(last)
    printer.print(found)
    if not is_whole:
        complain("there are more mails than could be looked through; later ones may be missing above")
