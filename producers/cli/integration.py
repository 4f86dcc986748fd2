"""`postroom integration`: the file that a web application copies."""
# Without `from __future__ import annotations`: typer evaluates the annotations of its commands.

from enum import StrEnum
from typing import Annotated

import typer

from producers.cli import options


class Framework(StrEnum):
    """What there is a file for."""

    DJANGO = "django"
    FLASK = "flask"
    FASTAPI = "fastapi"
    PLAIN = "plain"


def integration(
    framework: Annotated[Framework, typer.Argument(help="What the application is made with.")],
    *,
    as_json: options.AsJson = False,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """Print the one file that an application needs to send through Postroom."""
    from producers.cli.output import print_json  # noqa: PLC0415 - help must be fast
    from producers.integrations.bundle import bundle  # noqa: PLC0415 - help must be fast

    text = bundle(framework)
    if as_json:
        print_json({"integration": framework.value, "text": text})
    else:
        print(text, end="")  # noqa: T201 - the output
