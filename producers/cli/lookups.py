"""`postroom status` and `postroom wait`: what became of mails."""
# Without `from __future__ import annotations`: typer evaluates the annotations of its commands.

from typing import Annotated

import typer

from producers.cli import options


def status(  # noqa: PLR0913 - an argument for each option
    mail_ids: options.MailIds,
    *,
    broker: options.Broker = None,
    journal: options.Journal = None,
    url: options.Url = None,
    key_file: options.KeyFile = None,
    as_json: options.AsJson = False,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """Say where mails stand now."""
    from producers.cli import looking_up, queue  # noqa: PLC0415 - help must be fast

    with queue.connected(broker, journal, url=url, key_file=key_file) as mailer:
        answers = looking_up.look_up(mailer, mail_ids)
    queue.finish(answers, as_json=as_json)


def wait(  # noqa: PLR0913 - an argument for each option
    mail_ids: options.MailIds,
    *,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", min=0.0, help="Seconds in all.")] = 60.0,
    broker: options.Broker = None,
    journal: options.Journal = None,
    url: options.Url = None,
    key_file: options.KeyFile = None,
    as_json: options.AsJson = False,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """Wait until mails are settled, and say what became of them."""
    from producers.cli import looking_up, queue  # noqa: PLC0415 - help must be fast
    from producers.cli.answers import Answer  # noqa: PLC0415 - help must be fast

    with queue.connected(broker, journal, url=url, key_file=key_file) as mailer:
        answers = looking_up.settle(mailer, [Answer(mail_id) for mail_id in mail_ids], timeout=timeout)
    queue.finish(answers, as_json=as_json)
