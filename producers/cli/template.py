"""`postroom template`: the mails that Postroom writes itself, looked at before anybody gets one."""
# Without `from __future__ import annotations`: typer evaluates the annotations of its commands.

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from producers.cli import options

template = typer.Typer(
    name="template", no_args_is_help=True, help="Look at the mails of password resets, with sample values."
)

Folder: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Your own templates; POSTROOM_RESETS__TEMPLATES unless given."),
]


@template.command("list")
def show_names(
    *,
    templates: Folder = None,
    as_json: options.AsJson = False,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """Say which mails there are, in which languages, and which of their files are yours."""
    from producers.cli import previewing  # noqa: PLC0415 - help must be fast

    previewing.show_names(templates, as_json=as_json)


@template.command()
def preview(  # noqa: PLR0913 - an argument for each option
    name: Annotated[str, typer.Argument(metavar="NAME", help="Which mail, or all.")] = "all",
    *,
    locale: Annotated[
        str | None, typer.Option(metavar="TAG", help="In which language; in every one unless given.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write .txt, .html and .eml files there.")
    ] = None,
    inbox: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Put the mails into this Maildir; .run/mail is make run's."),
    ] = None,
    templates: Folder = None,
    as_json: options.AsJson = False,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """
    Render mails with sample values: to the screen, to files, or into the inbox of a development machine.

    postroom template preview password-reset --locale de --output previews
    """
    from producers.cli import previewing  # noqa: PLC0415 - help must be fast

    order = previewing.Order(name, locale=locale, output=output, inbox=inbox, templates=templates)
    previewing.preview(order, as_json=as_json)
