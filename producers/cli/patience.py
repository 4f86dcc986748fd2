"""`--wait [SECONDS]`, for the commands that hand mails in."""
# Without `from __future__ import annotations`: typer evaluates the annotations of its commands.

from collections.abc import Iterable
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

#: Seconds that `--wait` waits where it names none.
DEFAULT_WAIT = 60.0


#: The option itself; its command is made with `cls=WaitingCommand`.
Wait = Annotated[
    float | None,
    typer.Option(
        metavar="[SECONDS]", min=0.0, help=f"Wait for the outcome, {DEFAULT_WAIT:g} s unless given."
    ),
]


class WaitingCommand(TyperCommand):
    """Lets `--wait` stand alone: typer's options take a value or none, never both."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give `--wait` its default where no number follows."""
        return super().parse_args(ctx, with_default_wait(args))


def with_default_wait(args: Iterable[str]) -> list[str]:
    """Return *args* with the default put behind a `--wait` that no number follows."""
    found: list[str] = []
    for argument in args:
        if found and found[-1] == "--wait" and not _is_number(argument):
            found.append(str(DEFAULT_WAIT))
        found.append(argument)
    return [*found, str(DEFAULT_WAIT)] if found and found[-1] == "--wait" else found


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
