"""`postroom tail`: what happens to mails, as it happens."""
# Without `from __future__ import annotations`: typer evaluates the annotations of its commands.

from typing import Annotated

import typer

from producers.cli import options
from tasks.contract.names import Lane
from tasks.contract.status import MailState


def tail(  # noqa: PLR0913 - an argument for each option
    *,
    last: Annotated[int, typer.Option("--last", "-n", min=0, max=1000, help="Begin with so many.")] = 10,
    follow: Annotated[
        bool, typer.Option("--follow/--no-follow", help="Go on until Ctrl-C, or end with the last.")
    ] = True,
    lane: Annotated[list[Lane] | None, typer.Option(help="Only mails in this lane; repeatable.")] = None,
    state: Annotated[
        list[MailState] | None, typer.Option(help="Only mails in this state; repeatable.")
    ] = None,
    broker: options.Broker = None,
    journal: options.Journal = None,
    url: options.Url = None,
    key_file: options.KeyFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object in a line for each.")] = False,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """
    Show the mails that were accepted last, then a line for each mail and change of its state.

    Through a gateway, the newest of the API key's own mails.

    postroom tail --lane reset --state not_sent
    """
    from producers.cli import gateways, tailing, watching  # noqa: PLC0415 - help must be fast
    from producers.tailing import Wanted  # noqa: PLC0415 - as above

    wanted = Wanted(frozenset(lane or ()), frozenset(state or ()))
    remote = gateways.remote(url=url, key_file=key_file, broker=broker, journal=journal)
    if remote:
        watching.run(remote, wanted, last=last, is_following=follow, as_json=as_json)
    else:
        tailing.run(broker, journal, wanted, last=last, is_following=follow, as_json=as_json)
