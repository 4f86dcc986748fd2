"""Keep processes of the Procfile running: start each again when it dies, stop them all when asked to."""

from __future__ import annotations

import argparse
import os
import select
import signal
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from worker.kept import FIRST_WAIT, Kept
from worker.outputs import lose_rather_than_fail
from worker.programs import program

if TYPE_CHECKING:
    from collections.abc import Sequence

    from worker.programs import Program

#: How many processes run the command where the command line does not say so.
PROCESSES: Final = "POSTROOM_PROCESSES"
#: Whether they are spread over the processors where the command line does not say so.
CPU_AFFINITY: Final = "POSTROOM_CPU_AFFINITY"

_STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
_MOST: Final = 64
_AFFINITIES: Final = ("auto", "none")


@dataclass(slots=True)
class Supervisor:
    """
    Runs *program* in as many *processes* until it is told to stop, each kept by itself.

    Stop signals are passed on to all of them; *grace* seconds after the first signal they and their children
    are killed. Where it *is_spread*, each runs on a processor of its own if their numbers allow.
    """

    program: Program
    processes: int = 1
    grace: float = 75.0
    first_wait: float = FIRST_WAIT
    is_spread: bool = False
    _signals: list[int] = field(default_factory=list, init=False)
    _is_stopping: bool = field(default=False, init=False)
    _kill_at: float | None = field(default=None, init=False)
    _bell: int = field(default=-1, init=False)

    def run(self) -> int:
        """Return 0 once stopped, or the exit code of a process where none need be started again."""
        self._listen()
        over = self.processes if self.is_spread else None
        numbers = range(1, self.processes + 1)
        kept = [Kept(self.program, number, self.first_wait, spread_over=over) for number in numbers]
        while True:
            self._obey(kept)
            for each in kept:
                each.attend()
            if not any(each.is_running or each.due is not None for each in kept):
                return 0 if self._is_stopping else max(each.code or 0 for each in kept)
            self._rest(kept)

    def _listen(self) -> None:
        """Have signals, and the deaths of children, end a rest: a byte is written for each of them."""
        self._bell, writing = os.pipe()
        os.set_blocking(self._bell, False)
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        for number in _STOP_SIGNALS:
            signal.signal(number, self._note)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def _note(self, number: int, _frame: Any) -> None:
        # Passed on by the loop, never in between: a process that is just being started hears it once, too.
        self._signals.append(number)

    def _obey(self, kept: Sequence[Kept]) -> None:
        while self._signals:
            if not self._is_stopping:
                self._is_stopping, self._kill_at = True, time.monotonic() + self.grace
            number = self._signals.pop(0)
            for each in kept:
                each.stop(number)
        if self._kill_at is not None and time.monotonic() >= self._kill_at:
            self._kill_at = None
            for each in kept:
                each.kill()

    def _rest(self, kept: Sequence[Kept]) -> None:
        """Wait until something happens, or is to be done."""
        moments = [each.due for each in kept if each.due is not None and not each.is_running]
        if self._kill_at is not None:
            moments.append(self._kill_at)
        seconds = max(0.0, min(moments) - time.monotonic()) if moments else None
        if select.select([self._bell], [], [], seconds)[0]:
            os.read(self._bell, 4096)


def main(arguments: list[str] | None = None) -> int:
    """Supervise the command line given after the options."""
    parser = argparse.ArgumentParser(prog="python -m worker.supervise", description=__doc__)
    parser.add_argument("--grace", type=float, default=75.0, help="seconds to stop in (default: %(default)s)")
    parser.add_argument(
        "--processes",
        type=_count,
        default=os.environ.get(PROCESSES) or "1",
        help=f"how many run the command (default: ${PROCESSES}, or 1)",
    )
    parser.add_argument(
        "--cpu-affinity",
        type=_affinity,
        default=os.environ.get(CPU_AFFINITY) or "auto",
        metavar="{auto,none}",
        help="auto: each on a processor of its own, where there are as many processes as processors, or a "
        f"multiple; none: wherever the system likes (default: ${CPU_AFFINITY}, or auto)",
    )
    parser.add_argument(
        "-m",
        nargs=argparse.REMAINDER,
        dest="module",
        metavar=("MODULE", "ARGUMENT"),
        help="in place of a command: a module with a function main, loaded once and run in forked processes",
    )
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the command and its arguments")
    options = parser.parse_args(arguments)
    lose_rather_than_fail()
    line = options.module or options.command
    if not line:
        parser.error("say which command to run")
    try:
        run = program(line, is_module=bool(options.module))
    except ImportError as missing:
        parser.error(f"-m {line[0]}: {missing}")
    is_spread = options.cpu_affinity == "auto"
    return Supervisor(run, options.processes, options.grace, is_spread=is_spread).run()


def _count(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= _MOST:
        return int(text)
    raise argparse.ArgumentTypeError(
        f"{text!r} must be a whole number from 1 to {_MOST} (as must ${PROCESSES})"
    )


def _affinity(text: str) -> str:
    if text in _AFFINITIES:
        return text
    raise argparse.ArgumentTypeError(f"{text!r} must be auto or none (as must ${CPU_AFFINITY})")


if __name__ == "__main__":
    sys.exit(main())
