"""The options that describe a mail, once for all commands that take one."""
# Without `from __future__ import annotations`: typer evaluates the annotations of its commands.

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, NamedTuple

import typer

from producers.cli import options, sources
from producers.cli.sources import STDIN, Messages


class Described(NamedTuple):
    """The mails of a command line; *uploads* are files of this machine, to be attached to the only one."""

    messages: Sequence[Mapping[str, object]]
    is_list: bool
    uploads: Sequence[str]


def takes_a_mail(command: Callable[..., None]) -> Callable[..., None]:
    """
    Return *command* with the options that describe a mail, behind its arguments.

    Its parameter *described* is what they describe.
    """
    mail = inspect.signature(describe).parameters
    own = inspect.signature(command).parameters
    arguments = [p for p in own.values() if p.kind is not p.KEYWORD_ONLY]
    others = [p for p in own.values() if p.kind is p.KEYWORD_ONLY and p.name != "described"]

    def run(**values: object) -> None:
        described = describe(**{name: values.pop(name) for name in mail})  # type: ignore[arg-type]  # typer's
        command(described=described, **values)

    # What typer reads instead of what `run` says of itself.
    run.__signature__ = inspect.Signature([*arguments, *mail.values(), *others])  # type: ignore[attr-defined]
    run.__annotations__ = {}
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    return run


def describe(  # noqa: PLR0913 - an option for each input of the contract
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
) -> Described:
    """
    Return the mail that the options describe, or the mails of an input.

    Raises:
        typer.BadParameter: an option, or the input, is wrong in itself.
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
    return Described(found.messages, found.is_list, uploads or [])


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
