"""`postroom cancel` and `postroom resend`: changing the course of mails that were handed in."""
# Without `from __future__ import annotations`: typer evaluates the annotations of its commands.

from typing import Annotated

import typer

from producers.cli import options
from producers.cli.describing import Described, takes_a_mail
from producers.cli.patience import Wait


def cancel(  # noqa: PLR0913 - an argument for each option
    mail_ids: options.MailIds,
    *,
    broker: options.Broker = None,
    journal: options.Journal = None,
    url: options.Url = None,
    key_file: options.KeyFile = None,
    as_json: options.AsJson = False,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """Cancel mails that wait; say where each stands then."""
    from producers.cli import control, queue  # noqa: PLC0415 - help must be fast

    with queue.connected(broker, journal, url=url, key_file=key_file) as mailer:
        answers = control.cancel(mailer, mail_ids)
    queue.finish(answers, as_json=as_json)


@takes_a_mail
def resend(  # noqa: PLR0913 - an argument for each option
    mail_id: Annotated[str, typer.Argument(metavar="ID", help="Id as `send` printed it.")],
    *,
    described: Described,
    force: Annotated[
        bool, typer.Option("--force", help="Even if somebody may get it twice: its outcome is unknown.")
    ] = False,
    wait: Wait = None,
    broker: options.Broker = None,
    journal: options.Journal = None,
    url: options.Url = None,
    key_file: options.KeyFile = None,
    as_json: options.AsJson = False,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """
    Send a mail again that was not sent to everybody, as the same mail; describe it as it was.

    postroom resend ID --to ann@example.org --subject Hello --body "How are you?"
    """
    from producers.cli import control, handing_in, looking_up, queue  # noqa: PLC0415 - help must be fast

    if len(described.messages) != 1:
        raise typer.BadParameter("holds more than the one mail that is to be resent", param_hint="--input")
    with queue.connected(broker, journal, url=url, key_file=key_file) as mailer:
        [message] = handing_in.with_uploads(mailer, described.messages, described.uploads)
        answer = control.resend(mailer, mail_id, message, force=force)
        if wait is not None and answer.trouble is None:
            [answer] = looking_up.settle(mailer, [answer], timeout=wait)
    queue.finish([answer], as_json=as_json, is_list=False)
