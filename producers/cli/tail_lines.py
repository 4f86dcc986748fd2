"""The lines of `postroom tail`."""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console

from producers.cli.exit_codes import exit_code_of
from producers.cli.output import style_of
from tasks.contract.status import MailStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from producers.tailing import Happened
    from tasks.journal.records import Record

#: Recipients that a line names; the others are counted.
_NAMED: Final = 3


@contextmanager
def printing(*, as_json: bool) -> Iterator[Printer]:
    """Lend a printer until Ctrl-C, or until whoever reads the lines has seen enough."""
    printer = Printer(as_json=as_json)
    try:
        with _remembering_ctrl_c(printer):
            yield printer
    except KeyboardInterrupt:
        return
    except BrokenPipeError:
        # Python would complain of it once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _remembering_ctrl_c(printer: Printer) -> Iterator[None]:
    """
    Have the printer know of Ctrl-C, beside the exception that it raises.

    Python drops an exception that a signal raises while something is being finalised. A second Ctrl-C means
    the same as the first, which would otherwise end in a traceback.
    """

    def note(_number: int, _frame: Any) -> None:
        if not printer.is_stopped:
            printer.is_stopped = True
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN if printer.is_stopped else before)


def complain(text: str) -> None:
    """Say *text* beside the lines."""
    sys.stderr.write(f"postroom: {text}\n")


class Printer:
    """Prints a line for each mail: for people, or as JSON; *is_stopped* says that nobody wants more."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self.is_stopped = False
        self._console = Console(highlight=False, soft_wrap=True)

    def print(self, happened: Iterable[Happened]) -> None:
        """Print a line for each."""
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
