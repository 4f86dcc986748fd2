"""`postroom send`: hand in one mail from options, or many from a file."""
# Without `from __future__ import annotations`: typer evaluates the annotations of its commands.

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from producers.cli import options, sources
from producers.cli.sources import STDIN, Messages
from tasks.contract.names import Lane

#: Seconds that `--wait` waits where it names none.
DEFAULT_WAIT = 60.0


class SendCommand(TyperCommand):
    """Lets `--wait` stand alone: typer's options take a value or none, never both."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give `--wait` its default where no number follows."""
        return super().parse_args(ctx, with_default_wait(args))


def with_default_wait(args: Iterable[str]) -> list[str]:
    """Return *args* with the default put behind a `--wait` that no number follows."""
    found: list[str] = []
    for argument in args:
        if found and found[-1] == "--wait" and not _is_number(argument):
            found.append(str(DEFAULT_WAIT))
        found.append(argument)
    return [*found, str(DEFAULT_WAIT)] if found and found[-1] == "--wait" else found


def send(  # noqa: PLR0913 - an option for each input of the contract
    *,
    to: options.To = None,
    cc: options.Cc = None,
    bcc: options.Bcc = None,
    subject: options.Subject = None,
    body: options.Body = None,
    body_file: options.BodyFile = None,
    attachments: options.Attachments = None,
    uploads: options.Uploads = None,
    email_format: options.EmailFormat = None,
    encoding: options.Encoding = None,
    timeout: options.Timeout = None,
    smtp_authentication: options.Authentication = None,
    smtp_host: options.Host = None,
    smtp_port: options.Port = None,
    user_name: options.UserName = None,
    smtp_ssl_trust: options.SslTrust = None,
    account: options.Account = None,
    sender: options.Sender = None,
    reply_to: options.ReplyTo = None,
    text_body: options.TextBody = None,
    headers: options.Headers = None,
    idempotency_key: options.IdempotencyKey = None,
    expires_at: options.ExpiresAt = None,
    on_unknown: options.OnUnknown = None,
    metadata: options.Metadata = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--input",
            metavar="FILE",
            help="Whole mails instead of the options above: a JSON object, an array or JSON Lines, with the "
            "fields' names or labels; - is standard input.",
        ),
    ] = None,
    lane: Annotated[Lane, typer.Option(help="The queue to wait in.")] = Lane.DEFAULT,
    send_at: Annotated[
        str | None, typer.Option(metavar="TIME", help="Not before, such as 2030-01-31T12:00:00Z.")
    ] = None,
    wait: Annotated[
        float | None,
        typer.Option(
            metavar="[SECONDS]", min=0.0, help=f"Wait for the outcome, {DEFAULT_WAIT:g} s unless given."
        ),
    ] = None,
    broker: options.Broker = None,
    journal: options.Journal = None,
    as_json: options.AsJson = False,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """
    Hand in a mail and print its id; with --wait, print what became of it.

    postroom send --to ann@example.org --subject Hello --body "How are you?" --wait
    """
    given: dict[str, object] = {
        "to": _list(to),
        "cc": _list(cc),
        "bcc": _list(bcc),
        "subject": subject,
        "body": _body(body, body_file),
        "attachments": _list(attachments),
        "email_format": email_format,
        "encoding": encoding,
        "timeout": timeout,
        "smtp_authentication": smtp_authentication,
        "smtp_host": smtp_host,
        "smtp_port": smtp_port,
        "user_name": user_name,
        "smtp_ssl_trust": smtp_ssl_trust,
        "account": account,
        "sender": sender,
        "reply_to": _list(reply_to),
        "text_body": text_body,
        "headers": sources.pairs(headers, option="--header") or None,
        "idempotency_key": idempotency_key,
        "expires_at": expires_at,
        "on_unknown": on_unknown,
        "metadata": sources.pairs(metadata, option="--metadata") or None,
    }
    found = _messages({name: value for name, value in given.items() if value is not None}, uploads, source)
    _send(
        found,
        uploads or [],
        lane=lane,
        send_at=_moment(send_at),
        wait=wait,
        broker=broker,
        journal=journal,
        as_json=as_json,
    )


def _send(  # noqa: PLR0913 - what `send` was given, apart from the message
    found: Messages,
    uploads: list[str],
    *,
    lane: Lane,
    send_at: datetime | None,
    wait: float | None,
    broker: str | None,
    journal: str | None,
    as_json: bool,
) -> None:
    from producers.cli import handing_in, looking_up, queue  # noqa: PLC0415 - help must be fast

    with queue.connected(broker, journal) as mailer:
        messages = handing_in.with_uploads(mailer, found.messages, uploads)
        answers = handing_in.hand_in(mailer, messages, lane=lane, send_at=send_at)
        if wait is not None:
            answers = looking_up.settle(mailer, answers, timeout=wait)
    if not found.is_list:
        answers = [replace(answer, line=None) for answer in answers]
    queue.finish(answers, as_json=as_json, is_list=found.is_list)


def _messages(given: dict[str, object], uploads: list[str] | None, source: str | None) -> Messages:
    if source is None:
        return Messages([given], is_list=False)
    if given or uploads:
        raise typer.BadParameter(
            "holds whole mails: leave out the options that describe one", param_hint="--input"
        )
    return sources.read_messages(source, option="--input")


def _list(values: list[str] | None) -> str | None:
    """Join the values of a repeatable option, each of which may be a list with ';' in it."""
    return "; ".join(values) if values else None


def _body(body: str | None, file: str | None) -> str | None:
    if body is not None and file is not None:
        raise typer.BadParameter("is given beside --body: leave one out", param_hint="--body-file")
    if file is not None:
        return sources.read_text(file, option="--body-file")
    return sources.read_text(STDIN, option="--body") if body == STDIN else body


def _moment(text: str | None) -> datetime | None:
    from tasks.contract.errors import Refused  # noqa: PLC0415 - help must be fast
    from tasks.contract.moments import parse_moment  # noqa: PLC0415 - help must be fast

    try:
        return parse_moment(text) if text is not None else None
    except Refused as refused:
        raise typer.BadParameter(str(refused), param_hint="--send-at") from None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
