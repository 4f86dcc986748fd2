"""Keep a process of the Procfile running: start it again when it dies, stop it when asked to."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from worker.outputs import lose_rather_than_fail

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Tells the process that something starts it again.
SUPERVISOR = "POSTROOM_SUPERVISOR"

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
_NOT_TO_BE_REPEATED = {2: "its configuration or arguments are wrong", 126: "cannot run", 127: "not found"}
_FIRST_WAIT = 1.0
_LONGEST_WAIT = 30.0
_HEALTHY_AFTER = 60.0
_SLICE = 0.1


@dataclass(slots=True)
class Supervisor:
    """
    Runs *command* until it is told to stop.

    A process that died is started again after 1, 2, 4 … 30 seconds, and after one second where it had run
    for a minute; but not one that exits with code 2, which says that it would fail again. Stop signals
    are passed on; *grace* seconds after the first one the process and its children are killed.
    """

    command: Sequence[str]
    grace: float = 75.0
    first_wait: float = _FIRST_WAIT
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _stop_signal: int | None = field(default=None, init=False)

    def run(self) -> int:
        """Return 0 once stopped, or the exit code of a process that need not be started again."""
        self._listen()
        wait = self.first_wait
        while not self._is_stopping():
            began = time.monotonic()
            code = self._run_once()
            if self._is_stopping():
                break
            if code in _NOT_TO_BE_REPEATED:
                self._say(f"exited with code {code} ({_NOT_TO_BE_REPEATED[code]}); not started again")
                return code
            if time.monotonic() - began >= _HEALTHY_AFTER:
                wait = self.first_wait
            self._say(f"exited with code {code}; starting again in {wait:g} s")
            self._pause(wait)
            wait = min(wait * 2, _LONGEST_WAIT)
        return 0

    def _listen(self) -> None:
        for number in _STOP_SIGNALS:
            signal.signal(number, self._stop)
        signal.signal(signal.SIGALRM, self._kill)

    def _run_once(self) -> int:
        # A process group of its own: a runner that signals its whole group would otherwise reach the
        # process twice, which Celery takes for "do not wait for the mails under way".
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the Procfile's own line
                self.command, process_group=0, env={**os.environ, SUPERVISOR: "worker.supervise"}
            )
        except FileNotFoundError:
            return 127
        except OSError:
            return 126
        if self._stop_signal is not None:  # It came while the process was being started.
            self._pass_on(self._stop_signal)
        code = self._process.wait()
        signal.setitimer(signal.ITIMER_REAL, 0)
        self._kill()
        return code

    def _is_stopping(self) -> bool:
        return self._stop_signal is not None

    def _stop(self, number: int, _frame: Any) -> None:
        if not self._is_stopping():
            signal.setitimer(signal.ITIMER_REAL, self.grace)
        self._stop_signal = number
        self._pass_on(number)

    def _pass_on(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _kill(self, *_: Any) -> None:
        """Kill what is left of the process's group: itself, or children that it left behind."""
        if self._process is not None:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except ProcessLookupError:
                return

    def _pause(self, seconds: float) -> None:
        # In slices, because a sleep goes on after a signal handler has run.
        until = time.monotonic() + seconds
        while not self._is_stopping() and time.monotonic() < until:
            time.sleep(_SLICE)

    def _say(self, what: str) -> None:
        print(f"supervise: {self.command[0]}: {what}", file=sys.stderr, flush=True)  # noqa: T201 - the runner's log


def main(arguments: list[str] | None = None) -> int:
    """Supervise the command line given after the options."""
    parser = argparse.ArgumentParser(prog="python -m worker.supervise", description=__doc__)
    parser.add_argument("--grace", type=float, default=75.0, help="seconds to stop in (default: %(default)s)")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the command and its arguments")
    options = parser.parse_args(arguments)
    lose_rather_than_fail()
    if not options.command:
        parser.error("say which command to run")
    return Supervisor(options.command, grace=options.grace).run()


if __name__ == "__main__":
    sys.exit(main())
