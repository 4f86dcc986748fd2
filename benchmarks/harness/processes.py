"""Processes that are started, measured with all their children, and stopped."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_TICK: Final = os.sysconf("SC_CLK_TCK")
_LONGEST_STOP: Final = 15.0


@dataclass(frozen=True, slots=True)
class Usage:
    """Processor seconds of a process and its descendants; their memory in MB, now (PSS) and at most (HWM)."""

    processor: float
    pss: float
    peak: float


@contextmanager
def running(
    line: Sequence[str], *, environment: Mapping[str, str], folder: Path, log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in a session of its own, which is stopped, and killed if it does not stop, at the end."""
    with (
        log.open("ab") as output,
        subprocess.Popen(
            line,
            cwd=folder,
            env={**os.environ, **environment},
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    family = _family(process.pid)
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_LONGEST_STOP)
    for pid in family:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def usage(pid: int) -> Usage:
    """Return what the process *pid* and its descendants used until now."""
    family = _family(pid)
    return Usage(sum(map(_processor, family)), sum(map(_pss, family)), sum(map(_peak, family)))


def _family(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [pid]
    for member in found:
        found += children.get(member, [])
    return found


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/pid/stat behind the name: state, parent and so on; none if it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return []


def _processor(pid: int) -> float:
    # utime, stime, and both of the children that were waited for.
    return sum(map(int, _stat(pid)[11:15])) / _TICK


def _pss(pid: int) -> float:
    return _kilobytes(f"/proc/{pid}/smaps_rollup", "Pss:") / 1024


def _peak(pid: int) -> float:
    return _kilobytes(f"/proc/{pid}/status", "VmHWM:") / 1024


def _kilobytes(path: str, name: str) -> int:
    with suppress(OSError):
        for line in Path(path).read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1])
    return 0
