"""`postroom key`: the API keys of the HTTP gateway."""
# Without `from __future__ import annotations`: typer evaluates the annotations of its commands.

from typing import Annotated, TypeAlias

import typer

from producers.cli import options
from producers.web.keys import ResetRight
from tasks.contract.names import Lane
from tasks.contract.status import MailState

key = typer.Typer(
    name="key", no_args_is_help=True, help="Make, list and revoke API keys of the HTTP gateway."
)

File: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--keys", metavar="FILE", help="The file of keys; else POSTROOM_WEB_KEYS_FILE or postroom-keys.json."
    ),
]
_LIST = "repeatable, or several with ';' between them"


@key.command(no_args_is_help=True)
def create(  # noqa: PLR0913 - an argument for each option
    name: Annotated[str, typer.Argument(help="Whose key it is, for the list.")],
    *,
    account: Annotated[
        str | None, typer.Option(metavar="NAME", help="The only account of the worker that it may use.")
    ] = None,
    sender: Annotated[
        list[str] | None,
        typer.Option(metavar="LIST", help=f"Allowed senders: addresses, @domain or *; {_LIST}."),
    ] = None,
    recipient_domain: Annotated[
        list[str] | None, typer.Option(metavar="LIST", help=f"The only domains it may write to; {_LIST}.")
    ] = None,
    blocked_domain: Annotated[
        list[str] | None, typer.Option(metavar="LIST", help=f"Domains it may never write to; {_LIST}.")
    ] = None,
    lane: Annotated[
        list[Lane] | None, typer.Option(help="Allowed lanes, repeatable; all unless given.")
    ] = None,
    resets: Annotated[
        list[ResetRight] | None,
        typer.Option(help="What it may do with password resets, repeatable; nothing unless given."),
    ] = None,
    rate: Annotated[float, typer.Option(help="Requests a second; a mail of a batch counts as one.")] = 100.0,
    burst: Annotated[int | None, typer.Option(help="Requests at once; twice the rate unless given.")] = None,
    webhook: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Where its mails' ends are told; https, or this machine."),
    ] = None,
    webhook_state: Annotated[
        list[MailState] | None,
        typer.Option(help="Which ends are told, repeatable; all unless given."),
    ] = None,
    file: File = None,
    as_json: options.AsJson = False,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """
    Make a key and print it: it is shown this once, since only its digest is kept.

    With a webhook the secret that signs deliveries is printed in a second line, this once, too.
    """
    from producers.cli import keys  # noqa: PLC0415 - help must be fast

    keys.create(
        file,
        as_json=as_json,
        name=name,
        account=account,
        allowed_senders=keys.listed(sender),
        allowed_recipient_domains=keys.listed(recipient_domain),
        blocked_recipient_domains=keys.listed(blocked_domain),
        lanes=tuple(lane or Lane),
        resets=tuple(resets or ()),
        rate=rate,
        burst=burst if burst is not None else max(1, round(2 * rate)),
        webhook=keys.new_webhook(webhook, webhook_state),
    )


@key.command("list")
def list_keys(
    *,
    file: File = None,
    as_json: options.AsJson = False,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """List the keys and what each may do; nobody can print a key again."""
    from producers.cli import keys  # noqa: PLC0415 - help must be fast

    keys.show(file, as_json=as_json)


@key.command(no_args_is_help=True)
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The key's id, as `key list` shows it.")],
    *,
    file: File = None,
    as_json: options.AsJson = False,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """Revoke a key for good; a gateway that runs knows within a second."""
    from producers.cli import keys  # noqa: PLC0415 - help must be fast

    keys.revoke(file, key_id, as_json=as_json)
