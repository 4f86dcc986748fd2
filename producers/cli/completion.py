"""`postroom completion`: what teaches a shell to complete the commands."""
# Without `from __future__ import annotations`: typer evaluates the annotations of its commands.

import io
import os
from contextlib import redirect_stdout, suppress
from enum import StrEnum
from typing import Annotated

import typer

from producers.cli import options
from producers.cli.output import print_json


class Shell(StrEnum):
    """The shells that there is a script for."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(
    shell: Annotated[Shell, typer.Argument(help="Which shell it is for.")],
    *,
    as_json: options.AsJson = False,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """
    Print a script that completes commands, options, and what options choose from, such as lanes.

    eval "$(postroom completion bash)"
    """
    script = _script(shell)
    if as_json:
        print_json({"shell": shell.value, "script": script})
    else:
        print(script)  # noqa: T201 - the output


def _script(shell: Shell) -> str:
    """Return the script, which typer prints when it is asked as shells ask it."""
    from producers.cli.main import application  # noqa: PLC0415 - it has this command too

    output = io.StringIO()
    os.environ["_POSTROOM_COMPLETE"] = f"source_{shell}"
    try:
        with redirect_stdout(output), suppress(SystemExit):
            application()(args=[], prog_name="postroom")
    finally:
        del os.environ["_POSTROOM_COMPLETE"]
    return output.getvalue().strip()
