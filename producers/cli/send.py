"""`postroom send`: hand in one mail from options, or many from a file."""
# Without `from __future__ import annotations`: typer evaluates the annotations of its commands.

from dataclasses import replace
from typing import Annotated

import typer

from producers.cli import options
from producers.cli.describing import Described, takes_a_mail
from producers.cli.moments import moment_of
from producers.cli.patience import Wait
from tasks.contract.names import Lane


@takes_a_mail
def send(  # noqa: PLR0913 - an argument for each option
    *,
    described: Described,
    lane: Annotated[Lane, typer.Option(help="The queue to wait in.")] = Lane.DEFAULT,
    send_at: options.SendAt = None,
    wait: Wait = None,
    broker: options.Broker = None,
    journal: options.Journal = None,
    url: options.Url = None,
    key_file: options.KeyFile = None,
    as_json: options.AsJson = False,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """
    Hand in a mail and print its id; with --wait, print what became of it.

    postroom send --to ann@example.org --subject Hello --body "How are you?" --wait
    """
    from producers.cli import handing_in, looking_up, queue  # noqa: PLC0415 - help must be fast

    moment = moment_of(send_at)
    with queue.connected(broker, journal, url=url, key_file=key_file) as mailer:
        messages = handing_in.with_uploads(mailer, described.messages, described.uploads)
        answers = handing_in.hand_in(mailer, messages, lane=lane, send_at=moment)
        if wait is not None:
            answers = looking_up.settle(mailer, answers, timeout=wait)
    if not described.is_list:
        answers = [replace(answer, line=None) for answer in answers]
    queue.finish(answers, as_json=as_json, is_list=described.is_list)
