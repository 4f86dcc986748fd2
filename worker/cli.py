"""The worker's commands; `postroom` shows them beside those of the producers."""
# Without `from __future__ import annotations`: typer evaluates the annotations of its commands.

import json
import sys
from typing import Annotated

import typer

#: Entry point of the group `postroom.commands`. What the commands need is imported when they run.
commands = typer.Typer()

_NOT_USABLE = 1


@commands.command(no_args_is_help=False)
def verify(
    accounts: Annotated[
        list[str] | None, typer.Argument(metavar="ACCOUNT", help="Accounts to try; all unless given.")
    ] = None,
    *,
    timeout: Annotated[float, typer.Option(min=1.0, max=3600.0, help="Seconds for each account.")] = 20.0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document, errors included.")
    ] = False,
    debug: Annotated[  # noqa: ARG001 - read by whoever runs the command
        bool, typer.Option("--debug", help="Show where an error of this program came from.")
    ] = False,
) -> None:
    """
    Try the worker's accounts: connect, secure, log in, take leave. Nothing is sent.

    Reads the same settings as the worker and exits with 0 if every account is usable, else with 1.
    """
    from rich.console import Console  # noqa: PLC0415 - help must be fast

    from worker import reports, verifying  # noqa: PLC0415 - help must be fast
    from worker.environment import settings_from_environment  # noqa: PLC0415 - help must be fast
    from worker.settings_sources import InvalidSettings  # noqa: PLC0415 - help must be fast

    try:
        settings = settings_from_environment()
        chosen = verifying.chosen(settings, accounts or ())
    except (InvalidSettings, verifying.NoSuchAccount) as wrong:
        raise typer.BadParameter(str(wrong), param_hint="settings") from None
    found = verifying.verify(settings, chosen, timeout=timeout)
    if as_json:
        print(json.dumps([reports.as_json(report) for report in found], indent=2))  # noqa: T201 - the output
    else:
        console = Console()
        for report in found:
            console.print(reports.as_table(report))
    if not all(report.is_usable for report in found):
        raise typer.Exit(_NOT_USABLE)


@commands.command(no_args_is_help=False)
def doctor(
    *,
    accounts: Annotated[
        bool, typer.Option("--accounts", help="Try the accounts, too, as `verify` does.")
    ] = False,
    timeout: Annotated[float, typer.Option(min=1.0, max=3600.0, help="Seconds for each account.")] = 20.0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document, errors included.")
    ] = False,
    debug: Annotated[  # noqa: ARG001 - read by whoever runs the command
        bool, typer.Option("--debug", help="Show where an error of this program came from.")
    ] = False,
) -> None:
    """
    Examine what a worker relies on: Redis, files, keys, Python. Nothing is changed.

    Reads the same settings as the worker and exits with 0 unless a worker in production would not start, else
    with 1.
    """
    from rich.console import Console  # noqa: PLC0415 - help must be fast

    from worker.doctor import reports  # noqa: PLC0415 - help must be fast
    from worker.doctor.command import diagnose  # noqa: PLC0415 - help must be fast
    from worker.environment import settings_from_environment  # noqa: PLC0415 - help must be fast
    from worker.settings_sources import InvalidSettings  # noqa: PLC0415 - help must be fast

    try:
        settings = settings_from_environment()
    except InvalidSettings as wrong:
        raise typer.BadParameter(str(wrong), param_hint="settings") from None
    found = diagnose(settings, account_timeout=timeout if accounts else None)
    if as_json:
        print(json.dumps(reports.as_json(found, mode=settings.mode), indent=2))  # noqa: T201 - the output
    else:
        console = Console()
        console.print(reports.as_table(found))
        console.print(reports.summary(found, mode=settings.mode))
    if any(finding.is_error for finding in found):
        raise typer.Exit(_NOT_USABLE)


@commands.command()
def broker(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on loopback.")] = 6379,
    data: Annotated[str, typer.Option(metavar="FOLDER", help="Where it keeps its files.")] = ".run/broker",
) -> None:
    """Become the embedded broker: a real Valkey or Redis server on loopback, for development."""
    from worker.broker import main  # noqa: PLC0415 - help must be fast

    sys.exit(main(["--port", str(port), "--data", data]))
