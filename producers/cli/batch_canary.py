"""A sample of a batch's mail, to somebody who looks at it before the rest is sent."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from producers.cli import connection
from producers.errors import WaitTimeout
from tasks.templating.catalogue import Catalogue, Rendered, TemplateProblem
from tasks.templating.samples import SAMPLE

if TYPE_CHECKING:
    from producers.cli.batch_order import Order
    from producers.password_reset.batch.checking import Checked

_PATIENCE = 60.0


def samples(order: Order, checked: Checked) -> list[Rendered]:
    """
    Return the mail as it looks with sample values, in each language that it goes out in.

    The real values are known to the worker only.

    Raises:
        typer.BadParameter: the template cannot be used.
    """
    catalogue = Catalogue(order.template_folder)
    values = {**SAMPLE, "minutes": order.wish.ttl // 60}
    try:
        found = [catalogue.render(order.wish.template, values, locale=each) for each in checked.locales]
        return list({mail.locale: mail for mail in found}.values())
    except TemplateProblem as problem:
        raise typer.BadParameter(str(problem), param_hint="--template") from None


def send(order: Order, checked: Checked, broker: str | None, journal: str | None) -> None:
    """
    Mail the sample to the canary, wait for its result, and ask whether to go on.

    Raises:
        SystemExit: it was not sent (1), or nobody said yes (3).
        typer.BadParameter: the canary's address cannot be used.
    """
    mail = samples(order, checked)[0]
    with connection.mailer(broker, journal) as mailer:
        mail_id = mailer.enqueue(
            to=order.canary,
            subject=mail.subject,
            body=mail.html,
            text_body=mail.text,
            email_format="html",
            account=order.wish.account,
            lane="reset",
        )
        try:
            result = mailer.wait(mail_id, timeout=_PATIENCE)
        except WaitTimeout:
            typer.echo(f"The canary has no result after {_PATIENCE:g} s; nothing else was sent.", err=True)
            sys.exit(3)
    if not result.success:
        typer.echo(f"The canary was not sent: {result.code} {result.message}", err=True)
        sys.exit(1)
    if order.is_confirmed:
        return
    if not sys.stdin.isatty() or not typer.confirm(
        f"The canary is on its way. Send the {checked.usable} others?"
    ):
        typer.echo("Nothing else was sent; with --yes it goes on without asking.", err=True)
        sys.exit(3)
