"""`postroom hooks`: the webhooks of API keys, the senders that serve them, and what was delivered."""
# Without `from __future__ import annotations`: typer evaluates the annotations of its commands.

from typing import Annotated, TypeAlias

import typer

from producers.cli import options
from producers.cli.key import File
from producers.cli.patience import Wait, WaitingCommand
from producers.hooks.views import DeliveryState
from tasks.contract.status import MailState

hooks = typer.Typer(
    name="hooks",
    no_args_is_help=True,
    help="Tell programs how their mails ended: give API keys a webhook, deliver, see what was delivered.",
)

KeyId: TypeAlias = Annotated[
    str, typer.Argument(metavar="KEY", help="The API key's id, as `key list` shows it.")
]
DeliveryId: TypeAlias = Annotated[
    str, typer.Argument(metavar="ID", help="The delivery's id, as `hooks list` shows it.")
]


@hooks.command()
def run(
    *,
    keys: File = None,
    broker: options.Broker = None,
    journal: options.Journal = None,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """
    Deliver until told to stop; several senders share the work.

    Everything else is set in the environment or in .env: docs/reference/hooks.md.
    """
    from producers.cli import hook_sender  # noqa: PLC0415 - help must be fast

    hook_sender.run(web_keys_file=keys, broker_url=broker, journal_url=journal)


@hooks.command("set", no_args_is_help=True)
def set_webhook(  # noqa: PLR0913 - an argument for each option
    key_id: KeyId,
    *,
    url: Annotated[str, typer.Option(metavar="URL", help="Where to tell it; https, or this machine.")],
    state: Annotated[
        list[MailState] | None, typer.Option(help="Which ends are told, repeatable; all unless given.")
    ] = None,
    file: File = None,
    as_json: options.AsJson = False,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """
    Give a key a webhook, or the one that it has another address.

    A new one has a new secret, which is printed, this once; with another address it stays.
    """
    from producers.cli import hook_keys  # noqa: PLC0415 - help must be fast

    hook_keys.change_address(file, key_id, url, state, as_json=as_json)


@hooks.command("rotate-secret", no_args_is_help=True)
def rotate_secret(
    key_id: KeyId,
    *,
    keep: Annotated[
        float, typer.Option(metavar="HOURS", min=0, max=24 * 90, help="How long the old secret signs, too.")
    ] = 24.0,
    file: File = None,
    as_json: options.AsJson = False,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """Make a new secret and print it, this once; deliveries are signed with the old one, too, for a while."""
    from producers.cli import hook_keys  # noqa: PLC0415 - help must be fast

    hook_keys.rotate(file, key_id, keep, as_json=as_json)


@hooks.command(no_args_is_help=True)
def remove(
    key_id: KeyId,
    *,
    file: File = None,
    as_json: options.AsJson = False,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """Take a key's webhook away; what waits to be delivered is given up."""
    from producers.cli import hook_keys  # noqa: PLC0415 - help must be fast

    hook_keys.remove(file, key_id, as_json=as_json)


@hooks.command("list")
def list_deliveries(  # noqa: PLR0913 - an argument for each option
    key_id: Annotated[str | None, typer.Argument(metavar="[KEY]", help="Those of one API key.")] = None,
    *,
    state: Annotated[DeliveryState | None, typer.Option(help="Those in this state.")] = None,
    most: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many.")] = 50,
    file: File = None,
    broker: options.Broker = None,
    journal: options.Journal = None,
    as_json: options.AsJson = False,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """List deliveries, the newest first."""
    from producers.cli import hook_deliveries  # noqa: PLC0415 - help must be fast

    with hook_deliveries.opened(broker, journal, file) as room:
        found = room.deliveries(key_id, state=state, most=most)
    hook_deliveries.show_all(found, as_json=as_json)


@hooks.command(no_args_is_help=True)
def show(  # noqa: PLR0913 - an argument for each option
    delivery_id: DeliveryId,
    *,
    file: File = None,
    broker: options.Broker = None,
    journal: options.Journal = None,
    as_json: options.AsJson = False,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """Show a delivery and its attempts."""
    from producers.cli import hook_deliveries  # noqa: PLC0415 - help must be fast

    with hook_deliveries.opened(broker, journal, file) as room:
        found = room.delivery(delivery_id)
    hook_deliveries.show(found, as_json=as_json)


@hooks.command(no_args_is_help=True)
def replay(  # noqa: PLR0913 - an argument for each option
    delivery_ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID", help="Ids as `hooks list` shows them.")
    ] = None,
    *,
    failed: Annotated[
        str | None, typer.Option(metavar="KEY", help="All of this API key that have failed, instead of ids.")
    ] = None,
    file: File = None,
    broker: options.Broker = None,
    journal: options.Journal = None,
    as_json: options.AsJson = False,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """Make deliveries again, under the same ids, from their first attempt on."""
    from producers.cli import hook_deliveries  # noqa: PLC0415 - help must be fast

    if bool(failed) == bool(delivery_ids):
        raise typer.BadParameter("name deliveries, or a key with --failed", param_hint="ID")
    with hook_deliveries.opened(broker, journal, file) as room:
        found = list(room.replay_failed(failed) if failed else map(room.replay, delivery_ids or ()))
    hook_deliveries.show_all(found, as_json=as_json)


@hooks.command("test", cls=WaitingCommand, no_args_is_help=True)
def try_out(  # noqa: PLR0913 - an argument for each option
    key_id: KeyId,
    *,
    wait: Wait = None,
    file: File = None,
    broker: options.Broker = None,
    journal: options.Journal = None,
    as_json: options.AsJson = False,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """Deliver an event that is about no mail, once; a webhook that is disabled is enabled by it."""
    from producers.cli import hook_deliveries  # noqa: PLC0415 - help must be fast

    with hook_deliveries.opened(broker, journal, file) as room:
        found = room.try_out(key_id)
        if wait is not None:
            found = hook_deliveries.settled(room, found, within=wait)
    hook_deliveries.show(found, as_json=as_json)
    hook_deliveries.leave(found, has_waited=wait is not None)
