"""`postroom quarantine`: queue entries that no worker could take for a message."""
# Without `from __future__ import annotations`: typer evaluates the annotations of its commands.

from typing import Annotated, TypeAlias

import typer

from producers.cli import options

quarantine = typer.Typer(
    name="quarantine",
    no_args_is_help=True,
    help="Look at queue entries that are no messages, put them back, or throw them away.",
)

EntryIds: TypeAlias = Annotated[
    list[str] | None, typer.Argument(metavar="ID", help="Ids as `quarantine list` shows them.")
]
All: TypeAlias = Annotated[bool, typer.Option("--all", help="All entries, instead of ids.")]


@quarantine.command("list")
def list_entries(
    *,
    broker: options.Broker = None,
    journal: options.Journal = None,
    as_json: options.AsJson = False,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """List the entries, the newest first."""
    from producers.cli import quarantining  # noqa: PLC0415 - help must be fast

    quarantining.list_entries(broker, journal, as_json=as_json)


@quarantine.command(no_args_is_help=True)
def show(
    entry_id: Annotated[str, typer.Argument(metavar="ID", help="Id as `quarantine list` shows it.")],
    *,
    broker: options.Broker = None,
    journal: options.Journal = None,
    as_json: options.AsJson = False,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """Show what an entry is made of: names, kinds and sizes, never what a mail says."""
    from producers.cli import quarantining  # noqa: PLC0415 - help must be fast

    quarantining.show(broker, journal, entry_id, as_json=as_json)


@quarantine.command(no_args_is_help=True)
def requeue(  # noqa: PLR0913 - an argument for each option
    entry_ids: EntryIds = None,
    *,
    every: All = False,
    broker: options.Broker = None,
    journal: options.Journal = None,
    as_json: options.AsJson = False,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """Put entries back into their queues as they were."""
    from producers.cli import quarantining  # noqa: PLC0415 - help must be fast

    quarantining.change("requeued", broker, journal, entry_ids, every=every, as_json=as_json)


@quarantine.command(no_args_is_help=True)
def drop(  # noqa: PLR0913 - an argument for each option
    entry_ids: EntryIds = None,
    *,
    every: All = False,
    broker: options.Broker = None,
    journal: options.Journal = None,
    as_json: options.AsJson = False,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """Throw entries away."""
    from producers.cli import quarantining  # noqa: PLC0415 - help must be fast

    quarantining.change("dropped", broker, journal, entry_ids, every=every, as_json=as_json)
