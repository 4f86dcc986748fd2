"""`postroom reset`: password resets, by the staff and as from a public form, and the record of them."""
# Without `from __future__ import annotations`: typer evaluates the annotations of its commands.

from typing import Annotated, TypeAlias

import typer

from producers.cli import options
from producers.cli.patience import Wait, WaitingCommand
from tasks.contract.names import Lane

reset = typer.Typer(
    name="reset", no_args_is_help=True, help="Ask for password resets, and look up who asked for which."
)

User: TypeAlias = Annotated[str, typer.Argument(metavar="USER", help="As the worker's directory knows them.")]
Locale: TypeAlias = Annotated[
    str, typer.Option(metavar="TAG", help="The mail's language where the directory knows none.")
]
Account: TypeAlias = Annotated[
    str | None, typer.Option(metavar="NAME", help="Name of the worker's credential record.")
]


@reset.command(cls=WaitingCommand, no_args_is_help=True)
def user(  # noqa: PLR0913 - an argument for each option
    identifier: User,
    *,
    actor: Annotated[str, typer.Option(metavar="NAME", help="Who asks for it; it is written down.")],
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="Why; it is written down.")] = None,
    ticket: Annotated[
        str | None, typer.Option(metavar="ID", help="The same ticket for the same user is the same reset.")
    ] = None,
    ttl: Annotated[int, typer.Option(metavar="SECONDS", help="How long the link lives, 60 to 86400.")] = 3600,
    template: Annotated[str, typer.Option(metavar="NAME", help="Which mail is sent.")] = "password-reset",
    locale: Locale = "en",
    account: Account = None,
    lane: Annotated[Lane, typer.Option(help="The queue to wait in.")] = Lane.RESET,
    idempotency_key: Annotated[
        str | None, typer.Option(metavar="KEY", help="Same key, same reset, in place of the ticket.")
    ] = None,
    wait: Wait = None,
    broker: options.Broker = None,
    journal: options.Journal = None,
    as_json: options.AsJson = False,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """
    Mail a link to a user of yours with which they choose a new password.

    postroom reset user ann --actor ben --ticket T-1042 --wait
    """
    from producers.cli import looking_up, queue, resetting  # noqa: PLC0415 - help must be fast
    from producers.cli.answers import Answer  # noqa: PLC0415 - help must be fast

    with resetting.connected(broker, journal) as resets:
        mail_id = resets.for_user(
            identifier,
            actor=actor,
            reason=reason,
            ticket=ticket,
            ttl=ttl,
            template=template,
            locale=locale,
            account=account,
            lane=lane,
            idempotency_key=idempotency_key,
        )
    answers = [Answer(mail_id)]
    if wait is not None:
        with queue.connected(broker, journal) as mailer:
            answers = looking_up.settle(mailer, answers, timeout=wait)
    queue.finish(answers, as_json=as_json, is_list=False)


@reset.command(no_args_is_help=True)
def request(  # noqa: PLR0913 - an argument for each option
    identifier: User,
    *,
    source: Annotated[str, typer.Option(metavar="TEXT", help="Where the request came from.")] = "cli",
    locale: Locale = "en",
    account: Account = None,
    broker: options.Broker = None,
    journal: options.Journal = None,
    as_json: options.AsJson = False,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """
    Ask as somebody does who filled in a public form: the answer is the same whoever they are.

    What became of it is for operators: postroom status ID.
    """
    from producers.cli import queue, resetting  # noqa: PLC0415 - help must be fast
    from producers.cli.answers import Answer  # noqa: PLC0415 - help must be fast

    with resetting.connected(broker, journal) as resets:
        mail_id = resets.for_requester(identifier, source=source, locale=locale, account=account)
    queue.finish([Answer(mail_id)], as_json=as_json, is_list=False)


@reset.command(no_args_is_help=True)
def completed(  # noqa: PLR0913 - an argument for each option
    identifier: User,
    *,
    locale: Locale = "en",
    account: Account = None,
    broker: options.Broker = None,
    journal: options.Journal = None,
    as_json: options.AsJson = False,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """Tell a user that their password was changed."""
    from producers.cli import queue, resetting  # noqa: PLC0415 - help must be fast
    from producers.cli.answers import Answer  # noqa: PLC0415 - help must be fast

    with resetting.connected(broker, journal) as resets:
        mail_id = resets.completed(identifier, locale=locale, account=account)
    queue.finish([Answer(mail_id)], as_json=as_json, is_list=False)


@reset.command()
def audit(  # noqa: PLR0913 - an argument for each option
    *,
    actor: Annotated[str | None, typer.Option(metavar="NAME", help="Asked for by this actor.")] = None,
    target: Annotated[str | None, typer.Option(metavar="USER", help="Asked for this user.")] = None,
    ticket: Annotated[str | None, typer.Option(metavar="ID", help="Asked for under this ticket.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, the newest.")] = 100,
    broker: options.Broker = None,
    journal: options.Journal = None,
    as_json: options.AsJson = False,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """Say who asked for which password reset, when and why, and what came of it."""
    from producers.cli import resetting  # noqa: PLC0415 - help must be fast

    with resetting.connected(broker, journal) as resets:
        found = resets.audit(actor=actor, target=target, ticket=ticket, most=limit)
    resetting.show(found, as_json=as_json)
