"""`postroom schema`: the contract as JSON Schema."""
# Without `from __future__ import annotations`: typer evaluates the annotations of its commands.

from enum import StrEnum
from typing import Annotated

import typer

from producers.cli import options


class Subject(StrEnum):
    """What there is a schema of."""

    SEND_EMAIL = "send_email"
    RESULT = "result"


def schema(
    subject: Annotated[
        Subject, typer.Argument(help="The inputs of a mail, or its result.")
    ] = Subject.SEND_EMAIL,
    *,
    as_json: options.AsJson = False,  # noqa: ARG001 - it is JSON either way
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """Print the JSON Schema of what a mail carries, or of its result."""
    from producers.cli.output import print_json  # noqa: PLC0415 - help must be fast
    from tasks.contract.schema import result_schema, send_email_schema  # noqa: PLC0415 - help must be fast

    print_json(result_schema() if subject is Subject.RESULT else send_email_schema())
