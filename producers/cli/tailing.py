"""What `postroom tail` does, once its options are read."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import typer
from rich.console import Console

from producers.changes import CannotFollow, Changes
from producers.cli import connection
from producers.cli.exit_codes import exit_code_of
from producers.cli.output import style_of
from producers.errors import QueueUnavailable
from producers.tailing import Tail, Wanted
from tasks.contract.status import MailStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from producers.tailing import Happened
    from tasks.contract.names import Lane
    from tasks.contract.status import MailState
    from tasks.journal.records import Record

#: Seconds without a change after which Ctrl-C and a lost connection are looked for.
_QUIET: Final = 1.0
#: Seconds between tries while the queue is away.
_PAUSE: Final = 1.0
#: Recipients that a line names; the others are counted.
_NAMED: Final = 3


def run(  # noqa: PLR0913 - the options of the command
    broker: str | None,
    journal: str | None,
    *,
    last: int,
    is_following: bool,
    lanes: frozenset[Lane],
    states: frozenset[MailState],
    as_json: bool,
) -> None:
    """
    Print what happens until Ctrl-C, which is how it ends well.

    Raises:
        QueueUnavailable: the queue is away from the beginning; later it is waited for.
        typer.BadParameter: a URL cannot be used, or the server does not tell of changes.
    """
    url = connection.urls(broker, journal)[1]
    printer = _Printer(as_json=as_json)
    try:
        with _remembering_ctrl_c(printer), closing(Tail(url, Wanted(lanes, states))) as tail:
            if is_following:
                _follow(tail, url, printer, last)
            else:
                _show_last(tail, printer, last)
    except QueueUnavailable as away:
        where = connection.place(broker, journal)
        raise QueueUnavailable(f"{away} at {where}: start it, or name another with --broker") from away
    except CannotFollow as why:
        raise typer.BadParameter(str(why), param_hint="--journal") from None
    except KeyboardInterrupt:
        return
    except BrokenPipeError:
        # Whoever read has seen enough; Python would complain of it once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _remembering_ctrl_c(printer: _Printer) -> Iterator[None]:
    """
    Have the printer know of Ctrl-C, beside the exception that it raises.

    Python drops an exception that a signal raises while something is being finalised.
    """

    def note(_number: int, _frame: Any) -> None:
        printer.is_stopped = True
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _follow(tail: Tail, url: str, printer: _Printer, last: int) -> None:
    with Changes(url) as changes:
        # What happens during the search is told after it.
        _show_last(tail, printer, last)
        away = _tell(tail, changes, printer)
    while True:
        _complain(f"{away}; trying again, and what happens meanwhile is not shown")
        away = _tell_again(tail, url, printer)


def _tell_again(tail: Tail, url: str, printer: _Printer) -> QueueUnavailable:
    """Tell of changes as soon as the queue is back, until it is away once more."""
    while True:
        with suppress(QueueUnavailable), Changes(url) as changes:
            _complain("following again")
            return _tell(tail, changes, printer)
        time.sleep(_PAUSE)


def _tell(tail: Tail, changes: Changes, printer: _Printer) -> QueueUnavailable:
    """Tell of changes until the queue is away."""
    try:
        while not printer.is_stopped:
            printer.print(tail.news(changes.next(_QUIET)))
        raise KeyboardInterrupt
    except QueueUnavailable as away:
        return away


def _show_last(tail: Tail, printer: _Printer, last: int) -> None:
    found, is_whole = tail.last(last)
    printer.print(found)
    if not is_whole:
        _complain("there are more mails than could be looked through; later ones may be missing above")


def _complain(text: str) -> None:
    sys.stderr.write(f"postroom: {text}\n")


class _Printer:
    """Prints a line for each mail: for people, or as JSON; *is_stopped* says that nobody wants more."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self.is_stopped = False
        self._console = Console(highlight=False, soft_wrap=True)

    def print(self, happened: Iterable[Happened]) -> None:
        for each in happened:
            if self._as_json:
                sys.stdout.write(json.dumps(_document(each)) + "\n")
            elif self._console.is_terminal:
                self._console.print(_line(each), style=_style(each.record), markup=False)
            else:
                sys.stdout.write(_line(each) + "\n")
        sys.stdout.flush()


def _style(record: Record) -> str:
    return style_of(exit_code_of(MailStatus(mail_id=record.mail_id, state=record.state)))


def _line(happened: Happened) -> str:
    return "  ".join(_cells(happened))


def _document(happened: Happened) -> dict[str, Any]:
    record = happened.record
    code, message = _said(record)
    return {
        "at": happened.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "mail_id": record.mail_id,
        "lane": record.lane,
        "state": record.state,
        "code": code,
        "message": message,
        "recipients": [outcome.address for outcome in record.result.recipients] if record.result else [],
    }


def _cells(happened: Happened) -> Iterator[str]:
    record = happened.record
    code, message = _said(record)
    yield f"{happened.at:%Y-%m-%d %H:%M:%S}"
    yield _plain(record.mail_id)
    yield _plain(record.lane)
    yield record.state if code is None else f"{record.state}  {code}"
    if record.result and record.result.recipients:
        yield _named([outcome.address for outcome in record.result.recipients])
    if message:
        yield _plain(message)


def _said(record: Record) -> tuple[int | None, str | None]:
    """Return code and message of the result, or of the last attempt."""
    result = record.result
    return (result.code, result.message) if result else (record.last_code, record.last_message)


def _named(addresses: list[str]) -> str:
    more = len(addresses) - _NAMED
    return " ".join([*map(_plain, addresses[:_NAMED]), *([f"+{more}"] if more > 0 else [])])


def _plain(text: str) -> str:
    """Return *text* on one line, and so that it does not steer the terminal: others wrote it."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
