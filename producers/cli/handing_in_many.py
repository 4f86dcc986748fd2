"""Saying what becomes of each of many mails while they are handed in."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from producers.cli.answers import Answer
from producers.cli.exit_codes import ExitCode, worst
from producers.cli.troubles import trouble_of
from producers.errors import INTERRUPTIONS
from producers.measure import BATCH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from producers.batches import HandedIn
    from producers.cli.json_lines import JsonLines
    from producers.errors import PostroomError


def tell(outcomes: Iterator[HandedIn], mails: JsonLines, *, size: int | None, as_json: bool) -> ExitCode:
    """
    Print each outcome as it comes, and on a terminal how far it is; return the code for all of them.

    *size* is that of the input in bytes, where it is known.

    Raises:
        QueueUnavailable, KeyRejected, GatewayError: it was so from the beginning.
    """
    telling = _Telling(as_json=as_json)
    try:
        with _progress() as progress:
            task = progress.add_task("", total=size)
            for outcome in outcomes:
                telling.tell(outcome, mails.numbers.popleft())
                if telling.count % BATCH == 0:
                    progress.update(task, completed=mails.taken, description=telling.summary)
    except INTERRUPTIONS as away:
        if not telling.count:
            raise
        telling.interrupted(away)
    finally:
        sys.stderr.write(f"{telling.summary}\n")
    return worst(telling.codes)


class _Telling:
    """Prints outcomes and counts them: ids on standard output, the rest on standard error."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._line = 0
        self.count = 0
        self.refused = 0
        self.codes: set[ExitCode] = set()

    @property
    def summary(self) -> str:
        """What was done until now."""
        return f"{self.count - self.refused} handed in, {self.refused} refused"

    def tell(self, outcome: HandedIn, line: int) -> None:
        trouble = trouble_of(outcome.error) if outcome.error else None
        self.count += 1
        self.refused += trouble is not None
        self._line = line
        self._print(Answer(outcome.mail_id, trouble=trouble, line=line))

    def interrupted(self, away: PostroomError) -> None:
        """Say from where on nothing was, or may have been, handed in."""
        text = (
            f"{away}; the mails up to line {self._line} were handed in, some of the next {BATCH} may have "
            "been: run it again, which doubles none that have idempotency keys (--key-prefix gives them)"
        )
        self._print(Answer(trouble=replace(trouble_of(away), message=text)))

    def _print(self, answer: Answer) -> None:
        self.codes.add(answer.exit_code)
        if self._as_json:
            line = {"line": answer.line} if answer.line else {}
            sys.stdout.write(json.dumps(line | answer.as_json()) + "\n")
        elif answer.trouble:
            about = f"line {answer.line}: " if answer.line else ""
            sys.stderr.writelines(f"{about}{text}\n" for text in answer.trouble.lines())
        else:
            sys.stdout.write(f"{answer.mail_id}\n")


def _progress() -> Progress:
    console = Console(stderr=True)
    columns = (BarColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal, transient=True)
