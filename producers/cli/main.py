"""The command line `postroom`: its commands in one list, and what happens when one of them fails."""
# Without `from __future__ import annotations`: typer evaluates the annotations of its callback.

import os
import sys
import traceback
from importlib.metadata import entry_points, version
from typing import Annotated, TextIO

import typer

from producers.cli.completion import completion
from producers.cli.demo import demo
from producers.cli.exit_codes import ExitCode
from producers.cli.hooks import hooks
from producers.cli.integration import integration
from producers.cli.intervening import cancel, resend
from producers.cli.key import key
from producers.cli.lookups import status, wait
from producers.cli.output import print_json, print_trouble
from producers.cli.patience import WaitingCommand
from producers.cli.plain_words import PlainGroup
from producers.cli.quarantine import quarantine
from producers.cli.reset import reset
from producers.cli.reset_passwords import reset_passwords
from producers.cli.schema import schema
from producers.cli.sealing_key import sealing_key
from producers.cli.send import send
from producers.cli.send_many import send_many
from producers.cli.tail import tail
from producers.cli.template import template
from producers.cli.troubles import trouble_of
from producers.cli.web import web

#: Other packages put their commands beside ours: each entry point names a `typer.Typer`.
GROUP = "postroom.commands"


def application() -> typer.Typer:
    """Return the application with the commands of all packages."""
    app = typer.Typer(
        name="postroom",
        cls=PlainGroup,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog="Exit codes: 0 sent or done, 1 not sent, 2 wrong input, 3 unknown or not settled, "
        "4 no such mail, delivery or entry, 5 no queue, 70 error of this program, 130 interrupted.",
    )
    app.callback()(_postroom)
    app.command(cls=WaitingCommand, no_args_is_help=True)(send)
    app.command(no_args_is_help=True)(send_many)
    app.command(no_args_is_help=True)(status)
    app.command(no_args_is_help=True)(wait)
    app.command()(tail)
    app.command(no_args_is_help=True)(cancel)
    app.command(cls=WaitingCommand, no_args_is_help=True)(resend)
    app.command()(schema)
    app.command(no_args_is_help=True)(completion)
    app.command()(sealing_key)
    app.command(no_args_is_help=True)(integration)
    app.command()(demo)
    app.command()(web)
    app.add_typer(key)
    app.add_typer(hooks)
    app.add_typer(reset)
    app.add_typer(quarantine)
    app.add_typer(reset_passwords)
    app.add_typer(template)
    for entry_point in sorted(entry_points(group=GROUP)):
        app.add_typer(entry_point.load())
    return app


def main(arguments: list[str] | None = None) -> int:
    """Run a command line and return its exit code; what goes wrong is told in a sentence."""
    arguments = sys.argv[1:] if arguments is None else arguments
    _never_fail_on_letters(sys.stdout, sys.stderr)
    as_json = "--json" in arguments
    try:
        # In standalone mode typer shows wrong usage itself, and exits.
        code = application()(args=arguments, prog_name="postroom", standalone_mode=not as_json)
        if code == ExitCode.INTERRUPTED:
            raise KeyboardInterrupt  # noqa: TRY301 - typer turned it into a number
    except SystemExit as leaving:
        return _number(leaving.code)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last resort
        return _tell(error, arguments, as_json=as_json)
    return _number(code)


def _tell(error: BaseException, arguments: list[str], *, as_json: bool) -> int:
    trouble = trouble_of(error)
    if "--debug" in arguments or os.environ.get("POSTROOM_DEBUG", "0") not in {"", "0"}:
        traceback.print_exception(error)
    if as_json:
        print_json({"error": trouble.as_json()})
    else:
        print_trouble(trouble)
    return trouble.exit_code


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it so
    if wanted:
        print(version("postroom"))  # noqa: T201 - the output
        raise typer.Exit


def _postroom(
    *,
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """Hand mails in, look up what became of them, try the worker's accounts."""


def _never_fail_on_letters(*streams: TextIO) -> None:
    """Write letters that the terminal's character set lacks as escapes."""
    for stream in streams:
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _number(code: object) -> int:
    return code if isinstance(code, int) else ExitCode.OK


if __name__ == "__main__":
    sys.exit(main())
