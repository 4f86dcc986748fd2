"""`postroom reset-passwords`: password resets for a whole file of users."""
# Without `from __future__ import annotations`: typer evaluates the annotations of its commands.

from typing import Annotated, Any, Literal, TypeAlias

import typer
from typer.core import TyperGroup

from producers.cli import options


class FileFirst(TyperGroup):
    """Lets a file stand where a command would: `reset-passwords USERS.csv` starts it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `start` before what is no command."""
        if (args and args[0] not in self.commands and not args[0].startswith("-")) or (
            args and args[0] == "-"
        ):
            args = ["start", *args]
        return super().parse_args(ctx, args)


reset_passwords = typer.Typer(
    name="reset-passwords",
    cls=FileFirst,
    no_args_is_help=True,
    help="Ask for the password resets of a whole file; started again, it resumes.",
)

File: TypeAlias = Annotated[
    str, typer.Argument(metavar="USERS", help="CSV or JSON Lines in UTF-8; - is standard input.")
]
JobId: TypeAlias = Annotated[str, typer.Argument(metavar="JOB", help="Id as `reset-passwords` printed it.")]
Actor: TypeAlias = Annotated[
    str, typer.Option(metavar="NAME", help="Who asks for it; it is written down with each row.")
]
Name: TypeAlias = Annotated[
    str | None, typer.Option(metavar="NAME", help="What the job is called; the file's name unless given.")
]
InFlight: TypeAlias = Annotated[
    int, typer.Option(min=1, max=10_000, help="Rows that may be under way at a time.")
]
Rate: TypeAlias = Annotated[
    float, typer.Option(min=0.01, max=10_000, help="Rows a second, of all runs that use the account.")
]
Failures: TypeAlias = Annotated[
    int, typer.Option(min=1, help="Pause after so many rows in a row that met no server or no login.")
]
Refused: TypeAlias = Annotated[
    float, typer.Option(min=0, max=100, help="Pause when more per cent of the last 50 rows were refused.")
]


@reset_passwords.command(no_args_is_help=True)
def start(  # noqa: PLR0913 - an argument for each option
    users: File,
    *,
    actor: Actor,
    name: Name = None,
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="Why; it is written down.")] = None,
    template: Annotated[str, typer.Option(metavar="NAME", help="Which mail is sent.")] = "password-reset",
    locale: Annotated[
        str, typer.Option(metavar="TAG", help="The language where row and directory say none.")
    ] = "en",
    ttl: Annotated[int, typer.Option(metavar="SECONDS", help="How long links live, 60 to 86400.")] = 3600,
    account: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the worker's credential record.")
    ] = None,
    timeout: options.Timeout = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many rows.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read everything, say what is wrong, send nothing.")
    ] = False,
    skip_invalid: Annotated[
        bool, typer.Option("--skip-invalid", help="Send the other rows where some are wrong.")
    ] = False,
    canary: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="First mail a sample to this address, and ask before going on."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Go on after the canary without asking.")] = False,
    templates: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Your own templates, for samples; as the worker's.")
    ] = None,
    in_flight: InFlight = 500,
    rate: Rate = 50.0,
    max_failures: Failures = 10,
    max_refused: Refused = 20.0,
    broker: options.Broker = None,
    journal: options.Journal = None,
    as_json: options.AsJson = False,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """
    Reset the passwords of the users in a file; the same file again resumes where it was stopped.

    postroom reset-passwords users.csv --actor ben --dry-run
    """
    from producers.cli import batch_order, batch_runs  # noqa: PLC0415 - help must be fast

    batch_runs.start(
        batch_order.Order(
            users,
            name=name,
            wish=batch_order.wish(
                actor=actor,
                reason=reason,
                template=template,
                locale=locale,
                ttl=ttl,
                account=account,
                timeout=timeout,
            ),
            limit=limit,
            is_dry=dry_run,
            skips_invalid=skip_invalid,
            canary=canary,
            is_confirmed=yes,
            templates=templates,
            in_flight=in_flight,
            rate=rate,
            failures=max_failures,
            refused=max_refused / 100,
        ),
        broker,
        journal,
        as_json=as_json,
    )


@reset_passwords.command(no_args_is_help=True)
def retry_failed(  # noqa: PLR0913 - an argument for each option
    users: File,
    *,
    actor: Actor,
    only: Annotated[
        Literal["transient", "unknown"],
        typer.Option(help="What to try again: passing failures, or what may have been sent."),
    ],
    name: Name = None,
    in_flight: InFlight = 500,
    rate: Rate = 50.0,
    broker: options.Broker = None,
    journal: options.Journal = None,
    as_json: options.AsJson = False,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """Begin the failed rows of a job again, each as a new mail; users in `unknown` may get a second one."""
    from producers.cli import batch_order, batch_runs  # noqa: PLC0415 - help must be fast

    order = batch_order.Order(
        users, name=name, wish=batch_order.wish(actor=actor), in_flight=in_flight, rate=rate, retries=only
    )
    batch_runs.start(order, broker, journal, as_json=as_json)


@reset_passwords.command(no_args_is_help=True)
def status(
    job: JobId,
    *,
    broker: options.Broker = None,
    journal: options.Journal = None,
    as_json: options.AsJson = False,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """Say where a job stands."""
    from producers.cli import batches  # noqa: PLC0415 - help must be fast

    batches.show(job, broker, journal, as_json=as_json)


@reset_passwords.command(no_args_is_help=True)
def pause(
    job: JobId,
    *,
    broker: options.Broker = None,
    journal: options.Journal = None,
    as_json: options.AsJson = False,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """Begin no more rows of a job; what is under way goes on."""
    from producers.cli import batches  # noqa: PLC0415 - help must be fast

    batches.change(job, "paused", broker, journal, as_json=as_json)


@reset_passwords.command(no_args_is_help=True)
def resume(
    job: JobId,
    *,
    broker: options.Broker = None,
    journal: options.Journal = None,
    as_json: options.AsJson = False,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """Let a paused job go on when its file is started again."""
    from producers.cli import batches  # noqa: PLC0415 - help must be fast

    batches.change(job, "running", broker, journal, as_json=as_json)


@reset_passwords.command(no_args_is_help=True)
def cancel(
    job: JobId,
    *,
    broker: options.Broker = None,
    journal: options.Journal = None,
    as_json: options.AsJson = False,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """End a job for good, and cancel what waits."""
    from producers.cli import batches  # noqa: PLC0415 - help must be fast

    batches.change(job, "cancelled", broker, journal, as_json=as_json)


@reset_passwords.command(no_args_is_help=True)
def report(  # noqa: PLR0913 - an argument for each option
    job: JobId,
    *,
    kind: Annotated[Literal["csv", "jsonl", "html"], typer.Option("--format", help="What to write.")] = "csv",
    broker: options.Broker = None,
    journal: options.Journal = None,
    as_json: options.AsJson = False,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """Write what became of each row to standard output."""
    from producers.cli import batches  # noqa: PLC0415 - help must be fast

    batches.report(job, "jsonl" if as_json else kind, broker, journal)
