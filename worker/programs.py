"""What a supervisor can run: a command line, or a module of ours in processes that it forks."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from worker.forking import fork, load

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Running(Protocol):
    """A process that was started."""

    @property
    def pid(self) -> int:
        """Its id, which is that of its group, too."""

    def poll(self) -> int | None:
        """Return its exit code, negative where a signal ended it, or None while it runs."""

    def send_signal(self, number: int, /) -> None:
        """Send a signal, unless it was seen to end."""


class Program(Protocol):
    """What each process of a supervisor runs."""

    @property
    def name(self) -> str:
        """What it is called in the log."""

    def start(self, environment: Mapping[str, str]) -> Running:
        """
        Start a process that sees *environment* beside the supervisor's, in a process group of its own.

        A runner that signals its whole group would otherwise reach the process twice, which Celery takes for
        "do not wait for the mails under way".

        Raises:
            OSError: it cannot be started.
        """


@dataclass(frozen=True, slots=True)
class Command:
    """A program with its arguments."""

    line: Sequence[str]

    @property
    def name(self) -> str:
        """Return what stands first in the line."""
        return self.line[0]

    def start(self, environment: Mapping[str, str]) -> Running:
        """Start it; see `Program.start`."""
        return subprocess.Popen(  # noqa: S603 - the Procfile's own line
            self.line, process_group=0, env={**os.environ, **environment}
        )


@dataclass(frozen=True, slots=True)
class Module:
    """A module that was loaded here, and whose `main(arguments)` runs in processes that are forked."""

    name: str
    arguments: Sequence[str]

    def start(self, environment: Mapping[str, str]) -> Running:
        """Start it; see `Program.start`."""
        return fork(self.name, self.arguments, environment)


def program(line: Sequence[str], *, is_module: bool) -> Program:
    """
    Return what *line* says: a command, or a module, which is loaded, with its arguments.

    Raises:
        ImportError: there is no such module, or it cannot be loaded.
    """
    if not is_module:
        return Command(line)
    name, *arguments = line
    if sys.platform == "darwin":
        # Apple's libraries do not survive a fork without another program.
        return Command((sys.executable, "-m", name, *arguments))
    load(name)
    return Module(name, arguments)
