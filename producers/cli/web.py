"""`postroom web`: the HTTP gateway."""
# Without `from __future__ import annotations`: typer evaluates the annotations of its commands.

from typing import Annotated

import typer

from producers.cli import options


def web(  # noqa: PLR0913 - an argument for each option
    *,
    host: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Where to listen; else POSTROOM_WEB_HOST or 127.0.0.1."),
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port; else POSTROOM_WEB_PORT or 8080.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="Processes; else POSTROOM_WEB_WORKERS or 1.")
    ] = None,
    keys: Annotated[
        str | None,
        typer.Option("--keys", metavar="FILE", help="The file of API keys; else POSTROOM_WEB_KEYS_FILE."),
    ] = None,
    broker: options.Broker = None,
    journal: options.Journal = None,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """
    Answer HTTP requests until told to stop: emails handed in, asked for, cancelled.

    Everything else is set in the environment or in .env: docs/reference/gateway.md.
    """
    from producers.cli import gateway  # noqa: PLC0415 - help must be fast

    gateway.run(
        web_host=host,
        web_port=port,
        web_workers=workers,
        web_keys_file=keys,
        broker_url=broker,
        journal_url=journal,
    )
