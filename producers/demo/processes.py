"""The demo's processes: each in a group of its own, with a log, and never left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from producers.demo.names import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_LAST_LINES: Final = 12
_PAUSE: Final = 0.05


class ProcessFailed(Exception):
    """A process of the demo died or did not become ready; the text names it and ends with its log."""


@dataclass(slots=True)
class Process:
    """A process called *name* that writes to *log*; it and all that it starts are one process group."""

    name: str
    command: Sequence[str]
    log: Path
    folder: Path
    environment: Mapping[str, str] = field(repr=False)
    _running: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """
        Start it.

        Raises:
            ProcessFailed: the program cannot be run.
        """
        with self.log.open("wb") as output:
            try:
                self._running = subprocess.Popen(  # noqa: S603 - the demo's own commands
                    self.command,
                    cwd=self.folder,
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    # The terminal's Ctrl-C must not reach it: it is stopped in order, by `stop`.
                    start_new_session=True,
                )
            except OSError as error:
                raise ProcessFailed(f"the {self.name} cannot be started ({error.strerror})") from error

    def check(self) -> None:
        """
        Make sure that it still runs.

        Raises:
            ProcessFailed: it died.
        """
        if self._running and (code := self._running.poll()) is not None:
            raise ProcessFailed(self._with_log(f"the {self.name} died with exit code {code}"))

    def wait_for(
        self, is_ready: Callable[[], bool], *, seconds: float, pause: Callable[[float], None]
    ) -> None:
        """
        Return when *is_ready*, which is asked again after each *pause*.

        Raises:
            ProcessFailed: it died, or was not ready within *seconds*.
        """
        last_moment = time.monotonic() + seconds
        while not is_ready():
            self.check()
            if time.monotonic() > last_moment:
                raise self.late(f"was not ready within {seconds:g} s")
            pause(_PAUSE)

    def late(self, what: str) -> ProcessFailed:
        """Return the exception that says that it *what*, with the end of its log."""
        return ProcessFailed(self._with_log(f"the {self.name} {what}"))

    def terminate(self) -> None:
        """Ask it to stop; only itself, since Celery's pool takes a second signal for haste."""
        if self._running and self._running.poll() is None:
            self._running.terminate()

    def end(self, *, grace: float) -> None:
        """Wait at most *grace* seconds until it stops, then kill what is left of its group."""
        if self._running is None:
            return
        with suppress(subprocess.TimeoutExpired):
            self._running.wait(grace)
        with suppress(ProcessLookupError):
            os.killpg(self._running.pid, signal.SIGKILL)
        self._running.wait()

    def _with_log(self, what: str) -> str:
        lines = self.log.read_text("utf-8", "replace").splitlines()[-_LAST_LINES:]
        end = "".join(f"\n    {line}" for line in lines) or " is empty"
        return f"{what}; the end of {self.log}:{end}"


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def answers(port: int, *, question: bytes = b"", expected: bytes) -> bool:
    """Whether the server on loopback's *port* says what begins with *expected*, on being asked *question*."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1.0) as connection:
            connection.sendall(question)
            return connection.recv(64).startswith(expected)
    except OSError:
        return False
