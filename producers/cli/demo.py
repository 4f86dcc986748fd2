"""`postroom demo`: four mails through a queue, a worker and SMTP, all on this machine."""
# Without `from __future__ import annotations`: typer evaluates the annotations of its commands.

from typing import Annotated

import typer

from producers.cli import options
from producers.cli.exit_codes import ExitCode


def demo(
    *,
    folder: Annotated[str, typer.Option(metavar="FOLDER", help="Keeps mails and logs.")] = ".demo",
    as_json: options.AsJson = False,
    debug: options.Debug = False,  # noqa: ARG001 - read by main, before there is a command
) -> None:
    """
    Show it all at work: starts broker, mail server and worker, sends four mails, stops them.

    Three mails arrive, one is refused by the server; exits with 0 if that is what happened.
    """
    from pathlib import Path  # noqa: PLC0415 - help must be fast

    from rich.console import Console  # noqa: PLC0415 - help must be fast
    from rich.live import Live  # noqa: PLC0415 - help must be fast

    from producers.cli.output import print_json  # noqa: PLC0415 - help must be fast
    from producers.demo import interrupts, play, show, stage  # noqa: PLC0415 - help must be fast

    console = Console(quiet=as_json, highlight=False)
    signals = interrupts.Interrupts()
    with signals.listening():
        place = stage.prepare(Path(folder))
        console.print("Starting a broker, a mail server and a worker …")
        with (
            stage.running(place, signals) as processes,
            Live(console=console, auto_refresh=False) as live,
        ):
            scenes = play.play(
                place,
                processes,
                show=lambda seen: live.update(show.table(seen), refresh=True),
                pause=signals.pause,
            )
    if not console.is_terminal:
        console.line()
    for line in show.ending(scenes, place.folder):
        console.print(line, markup=False, soft_wrap=True)
    if as_json:
        print_json(show.as_json(scenes, place.folder))
    if not all(scene.is_as_expected for scene in scenes):
        raise typer.Exit(ExitCode.NOT_SENT)
