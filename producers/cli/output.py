"""The two ways of speaking: to people, and to programs in one JSON document."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Final

from producers.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import JsonValue

    from producers.cli.answers import Answer
    from producers.cli.troubles import Trouble


_STYLES: Final = {ExitCode.OK: "green", ExitCode.UNSETTLED: "yellow"}


def style_of(code: ExitCode) -> str:
    """Return how a terminal shows a mail that ends a command with *code*."""
    return _STYLES.get(code, "red")


def print_json(document: JsonValue) -> None:
    """Print the one document of this run."""
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


def print_answers(answers: Iterable[Answer]) -> None:
    """Tell people what became of each mail; what went wrong goes to standard error."""
    from rich.console import Console  # noqa: PLC0415 - help must be fast

    out, err = Console(highlight=False), Console(stderr=True, highlight=False)
    for answer in answers:
        head, *details = answer.lines()
        console = err if answer.trouble else out
        console.print(head, style=style_of(answer.exit_code), markup=False, soft_wrap=True)
        for line in details:
            console.print(line, markup=False, soft_wrap=True)


def print_trouble(trouble: Trouble) -> None:
    """Tell people what went wrong, on standard error."""
    for line in trouble.lines():
        sys.stderr.write(f"postroom: {line}\n")
