"""The options of the commands, each described once."""
# Without `from __future__ import annotations`: typer evaluates these types.

from typing import Annotated, TypeAlias

import typer

_HERE = "Queue, or gateway"
_MAIL = "Mail"
#: There is no option for a password: passwords are the worker's.
_SERVER = "Mail server (else the account's)"
_MORE = "More"

_LIST = "repeatable, or several with ';' between them"

Broker: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--broker",
        metavar="URL",
        help="Where the queue is; else POSTROOM_BROKER_URL (or CELERY_BROKER_URL) of the environment or of "
        ".env, else redis://127.0.0.1:6379/0.",
        rich_help_panel=_HERE,
    ),
]
Journal: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--journal",
        metavar="URL",
        help="Where the journal is, if not at the broker; else POSTROOM_JOURNAL_URL.",
        rich_help_panel=_HERE,
    ),
]
Url: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="URL",
        help="A gateway to go through instead, https://host; else POSTROOM_URL.",
        rich_help_panel=_HERE,
    ),
]
KeyFile: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--key-file",
        metavar="FILE",
        help="The file with the API key for it; else POSTROOM_API_KEY or POSTROOM_API_KEY_FILE.",
        rich_help_panel=_HERE,
    ),
]
SendAt: TypeAlias = Annotated[
    str | None, typer.Option(metavar="TIME", help="Not before, such as 2030-01-31T12:00:00Z.")
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON document, errors included.")]
Debug: TypeAlias = Annotated[
    bool, typer.Option("--debug", help="Show where an error of this program came from (POSTROOM_DEBUG=1).")
]
MailIds: TypeAlias = Annotated[list[str], typer.Argument(metavar="ID", help="Ids as `send` printed them.")]

To: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--to", metavar="LIST", help=f"Recipients: {_LIST}.", rich_help_panel=_MAIL),
]
Cc: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--cc", metavar="LIST", help="Further recipients, as --to.", rich_help_panel=_MAIL),
]
Bcc: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--bcc", metavar="LIST", help="Hidden recipients, as --to.", rich_help_panel=_MAIL),
]
Subject: TypeAlias = Annotated[
    str | None, typer.Option("--subject", metavar="TEXT", help="One line.", rich_help_panel=_MAIL)
]
Body: TypeAlias = Annotated[
    str | None,
    typer.Option("--body", metavar="TEXT", help="The text; - reads standard input.", rich_help_panel=_MAIL),
]
BodyFile: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--body-file", metavar="FILE", help="The text, in UTF-8; - is standard input.", rich_help_panel=_MAIL
    ),
]
Attachments: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--attachment",
        metavar="NAME",
        help=f"A file of the worker, below its attachment folders: {_LIST}.",
        rich_help_panel=_MAIL,
    ),
]
Uploads: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--attach",
        "--upload",
        metavar="FILE",
        help="A file of this machine, to be stored and attached; repeatable.",
        rich_help_panel=_MAIL,
    ),
]
EmailFormat: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--format", metavar="plain|html", help="Of the body; plain unless given.", rich_help_panel=_MAIL
    ),
]
Encoding: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--encoding", metavar="NAME", help="Character set; UTF-8 unless given.", rich_help_panel=_MAIL
    ),
]
Timeout: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--timeout",
        metavar="MS",
        help="Milliseconds for the whole delivery; 60000 unless given.",
        rich_help_panel=_MAIL,
    ),
]

Authentication: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--authentication",
        metavar="null|TLS|SSL",
        help="null: unsecure; TLS: STARTTLS; SSL: implicit TLS.",
        rich_help_panel=_SERVER,
    ),
]
Host: TypeAlias = Annotated[
    str | None, typer.Option("--host", metavar="NAME", help="Mail server.", rich_help_panel=_SERVER)
]
Port: TypeAlias = Annotated[
    str | None, typer.Option("--port", metavar="NUMBER", help="Its port.", rich_help_panel=_SERVER)
]
UserName: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--user-name", metavar="NAME", help="Picks the account by its user name.", rich_help_panel=_SERVER
    ),
]
SslTrust: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--ssl-trust",
        metavar="TEXT",
        help="*, or hosts that are not verified, or sha256:<hex>, or ca:<file>.",
        rich_help_panel=_SERVER,
    ),
]
Account: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--account", metavar="NAME", help="Name of the worker's credential record.", rich_help_panel=_SERVER
    ),
]

Sender: TypeAlias = Annotated[
    str | None, typer.Option("--sender", metavar="ADDRESS", help="From.", rich_help_panel=_MORE)
]
ReplyTo: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--reply-to", metavar="LIST", help="Where answers go, as --to.", rich_help_panel=_MORE),
]
TextBody: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--text-body", metavar="TEXT", help="Plain alternative of an HTML body.", rich_help_panel=_MORE
    ),
]
Headers: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--header", metavar="NAME=VALUE", help="Extra header; repeatable.", rich_help_panel=_MORE),
]
IdempotencyKey: TypeAlias = Annotated[
    str | None,
    typer.Option("--idempotency-key", metavar="KEY", help="Same key, same mail.", rich_help_panel=_MORE),
]
ExpiresAt: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--expires-at",
        metavar="TIME",
        help="When it is too late to send, such as 2030-01-31T12:00:00Z.",
        rich_help_panel=_MORE,
    ),
]
OnUnknown: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--on-unknown",
        metavar="report|resend",
        help="What follows where the server's last answer never came.",
        rich_help_panel=_MORE,
    ),
]
Metadata: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--metadata",
        metavar="KEY=VALUE",
        help="Kept with the result, never sent; repeatable.",
        rich_help_panel=_MORE,
    ),
]
