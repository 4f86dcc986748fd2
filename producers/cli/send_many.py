"""`postroom send-many`: hand in the mails of JSON Lines, however many there are."""
# Without `from __future__ import annotations`: typer evaluates the annotations of its commands.

from typing import Annotated

import typer

from producers.cli import options
from producers.cli.moments import moment_of
from tasks.contract.names import Lane


def send_many(  # noqa: PLR0913 - an argument for each option
    *,
    source: Annotated[
        str, typer.Argument(metavar="FILE", help="JSON Lines, a mail in each; - is standard input.")
    ],
    lane: Annotated[Lane, typer.Option(help="The queue to wait in.")] = Lane.BULK,
    send_at: options.SendAt = None,
    key_prefix: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="Give mails without an idempotency key TEXT-LINE: a second run sends none twice.",
        ),
    ] = None,
    broker: options.Broker = None,
    journal: options.Journal = None,
    url: options.Url = None,
    key_file: options.KeyFile = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON object in a line for each mail, as it is handed in.")
    ] = False,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """
    Hand in the mails of a file, a JSON object in each line, and print their ids as they are accepted.

    postroom send-many newsletter.jsonl --key-prefix newsletter-42 > ids
    """
    from producers.cli import handing_in_many, queue  # noqa: PLC0415 - help must be fast
    from producers.cli.json_lines import JsonLines, opened  # noqa: PLC0415 - help must be fast

    moment = moment_of(send_at)
    with (
        opened(source) as (lines, size),
        queue.connected(broker, journal, url=url, key_file=key_file) as mailer,
    ):
        mails = JsonLines(lines, key_prefix)
        outcomes = mailer.enqueue_each(mails, lane=lane, send_at=moment)
        code = handing_in_many.tell(outcomes, mails, size=size, as_json=as_json)
    raise typer.Exit(code)
