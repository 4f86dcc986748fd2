"""One process that is kept running: started, reaped, and started again in time."""

from __future__ import annotations

import errno
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from worker.processors import spread

if TYPE_CHECKING:
    from worker.programs import Program, Running

#: Tells the process that something starts it again.
SUPERVISOR: Final = "POSTROOM_SUPERVISOR"
#: Tells the process which one it is, of those that run the same command: 1, 2, 3 …
PROCESS: Final = "POSTROOM_PROCESS"

FIRST_WAIT: Final = 1.0
_NOT_TO_BE_REPEATED: Final = {
    2: "its configuration or arguments are wrong",
    126: "cannot run",
    127: "not found",
}
#: What the machine may have again in a moment: memory, or room for a process.
_SHORTAGES: Final = (errno.EAGAIN, errno.ENOMEM)
_NO_ROOM: Final = os.EX_OSERR
_LONGEST_WAIT: Final = 30.0
_HEALTHY_AFTER: Final = 60.0


@dataclass(slots=True)
class Kept:
    """
    The process *number* of those that run *program*.

    Where it is one of *spread_over* processes, these are spread over the machine's processors; see `spread`.
    One that died is started again after 1, 2, 4 … 30 seconds, and after one second where it had run for a
    minute; but not one that exits with code 2, which says that it would fail again. *code* is then set.
    """

    program: Program
    number: int = 1
    first_wait: float = FIRST_WAIT
    spread_over: int | None = None
    code: int | None = field(default=None, init=False)
    _process: Running | None = field(default=None, init=False)
    _began: float = field(default=0.0, init=False)
    _due: float | None = field(default=0.0, init=False)
    _wait: float = field(default=0.0, init=False)

    @property
    def is_running(self) -> bool:
        """Whether there is a process that was not seen to end."""
        return self._process is not None

    @property
    def due(self) -> float | None:
        """The moment, on the monotonic clock, at which it is to be started; None where it is not."""
        return self._due

    def attend(self) -> None:
        """Start the process if it is time to, or note that it ended and when it is to be started again."""
        if self._process is None:
            if self._due is not None and self._due <= time.monotonic():
                self._start()
        elif (code := self._process.poll()) is not None:
            self._ended(code)

    def stop(self, number: int) -> None:
        """Pass on a signal; what is not running is not started any more."""
        self._due = None
        if self._process is not None:
            self._process.send_signal(number)

    def kill(self) -> None:
        """Kill what is left of the process's group: itself, or children that it left behind."""
        if self._process is not None:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except ProcessLookupError:
                return

    def _start(self) -> None:
        self._began = time.monotonic()
        try:
            self._process = self._started()
        except FileNotFoundError:
            self._ended(127)
        except OSError as error:
            self._ended(_NO_ROOM if error.errno in _SHORTAGES else 126)

    def _started(self) -> Running:
        environment = {SUPERVISOR: "worker.supervise", PROCESS: str(self.number)}
        if self.spread_over is None:
            return self.program.start(environment)
        with spread(self.number, self.spread_over) as processor:
            process = self.program.start(environment)
        if processor is not None:
            self._say(f"runs on processor {processor}")
        return process

    def _ended(self, code: int) -> None:
        self.kill()
        self._process = None
        if self._due is None:  # It was stopped.
            return
        if code in _NOT_TO_BE_REPEATED:
            self.code, self._due = code, None
            self._say(f"exited with code {code} ({_NOT_TO_BE_REPEATED[code]}); not started again")
            return
        if not self._wait or time.monotonic() - self._began >= _HEALTHY_AFTER:
            self._wait = self.first_wait
        self._say(f"exited with code {code}; starting again in {self._wait:g} s")
        self._due = time.monotonic() + self._wait
        self._wait = min(self._wait * 2, _LONGEST_WAIT)

    def _say(self, what: str) -> None:
        print(f"supervise: {self.program.name} {self.number}: {what}", file=sys.stderr, flush=True)  # noqa: T201 - the runner's log
