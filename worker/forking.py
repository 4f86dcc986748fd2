"""Processes that share the memory of what was loaded before: forked, without starting another program."""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

#: What a process may hear before it has said what it does then.
_HEARD: Final = (signal.SIGTERM, signal.SIGQUIT, signal.SIGCHLD, signal.SIGINT)
_FAILED: Final = 1


def load(name: str) -> None:
    """
    Import the module *name*, whose `main(arguments)` is to be run in processes of its own.

    Raises:
        ImportError: there is none, or it cannot be loaded.
    """
    if not hasattr(importlib.import_module(name), "main"):
        raise ImportError(f"{name} has no function main")
    # A process that looks for its garbage leaves what is frozen alone; else it would write to all of it, and
    # have a copy of its own.
    gc.collect()
    gc.freeze()


def fork(name: str, arguments: Sequence[str], environment: Mapping[str, str]) -> Forked:
    """
    Run `main(arguments)` of the loaded module *name* in a process, and process group, of its own.

    It sees *environment* beside this process's. This process must have no other thread: what those hold
    locked, nobody would unlock in the new one.

    Raises:
        OSError: there is no room for another process.
    """
    # A stop signal must not meet the handlers that the new process still has of this one.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
    try:
        pid = os.fork()
        if pid == 0:
            _become(name, arguments, environment, mask)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    # The new process does the same. Whoever is first: from here on there is a group that can be killed.
    with suppress(OSError):
        os.setpgid(pid, pid)
    return Forked(pid)


def _become(
    name: str, arguments: Sequence[str], environment: Mapping[str, str], mask: Iterable[int]
) -> NoReturn:
    """Be the new process, to its end: nothing may get back to the code of the old one but `SystemExit`."""
    try:
        os.setpgid(0, 0)
        _forget_signals()
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.environ.update(environment)
        # What Python was started with, had it been for this: Celery starts itself again with it (SIGHUP).
        sys.argv = ["-m", name, *arguments]
        _be_called(name)
        sys.exit(importlib.import_module(name).main(arguments))
    except Exception:  # noqa: BLE001 - as Python ends a program
        sys.excepthook(*sys.exc_info())
        sys.exit(_FAILED)


def _forget_signals() -> None:
    bell = signal.set_wakeup_fd(-1)
    if bell >= 0:
        os.close(bell)
    for number in _HEARD:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


def _be_called(name: str) -> None:
    """Have `top` and `ps -o comm` show *name*, where there is a way."""
    with suppress(OSError):
        Path("/proc/self/comm").write_text(name)


@dataclass(slots=True)
class Forked:
    """A child of this process that was forked."""

    pid: int
    _code: int | None = None

    def poll(self) -> int | None:
        """Return its exit code, negative where a signal ended it, or None while it runs."""
        if self._code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
        return self._code

    def send_signal(self, number: int, /) -> None:
        """Send a signal, unless it was seen to end."""
        if self.poll() is None:
            os.kill(self.pid, number)
