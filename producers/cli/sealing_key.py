"""`postroom sealing-key`: a new key for sealed parameters."""
# Without `from __future__ import annotations`: typer evaluates the annotations of its commands.

from producers.cli import options


def sealing_key(
    *,
    as_json: options.AsJson = False,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """Print a new key for POSTROOM_SEALING_KEYS; nobody else knows it, so keep it."""
    from producers.cli.output import print_json  # noqa: PLC0415 - help must be fast
    from tasks.journal.sealing import generate_key  # noqa: PLC0415 - help must be fast

    key = generate_key()
    if as_json:
        print_json({"key": key})
    else:
        print(key)  # noqa: T201 - the output
