"""Python, libraries, user and supervisor: what a worker process runs on."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from worker.doctor.findings import Finding, Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: By series, the first release with gh-121650 (CVE-2024-6923) and gh-144125 (CVE-2026-1299), by which texts
#: could add headers. gh-87290 (CRLF in SMTP commands) was fixed before 3.11.0. Source: CPython's changelogs.
PATCHED: Final[Mapping[tuple[int, int], int]] = {(3, 11): 15, (3, 12): 13, (3, 13): 12, (3, 14): 3}

#: Names of distributions, the first version that is known to work, and the first that is not known to.
LIBRARIES: Final[Mapping[str, tuple[tuple[int, int], tuple[int, int]]]] = {
    "celery": ((5, 7), (5, 8)),
    "kombu": ((5, 7), (5, 8)),
    "redis": ((8, 1), (9, 0)),
}


def machine(*, supervisor: str | None) -> Iterator[Finding]:
    """Yield what is to be said about this process; *supervisor* is who would start it again."""
    yield python(sys.version_info[:3])
    for name in LIBRARIES:
        yield library(name, version(name))
    yield user(os.geteuid())
    yield restart(supervisor)


def python(release: tuple[int, int, int]) -> Finding:
    """Return whether *release* of Python has the fixes for what mail programs are attacked by."""
    patch = PATCHED.get(release[:2], 0)
    name = ".".join(map(str, release))
    if release[2] >= patch:
        return Finding("python", "Python", Status.OK, name)
    found = (
        f"{name} lacks fixes against forged headers (gh-121650, gh-144125), unless your distribution has "
        "added them; Postroom writes headers by itself and does not depend on them"
    )
    remedy = f"install Python {release[0]}.{release[1]}.{patch} or newer"
    return Finding("python", "Python", Status.WARNING, found, remedy)


def library(name: str, installed: str) -> Finding:
    """Return whether Postroom was tested with the *installed* version of a library."""
    low, high = LIBRARIES[name]
    numbers = tuple(int(part) for part in installed.split(".")[:2] if part.isdigit())
    if low <= numbers < high:
        return Finding("libraries", name, Status.OK, installed)
    wanted = f"{name}>={low[0]}.{low[1]},<{high[0]}.{high[1]}"
    return Finding(
        "libraries", name, Status.WARNING, f"{installed} is not tested", f"`pip install '{wanted}'`"
    )


def user(number: int) -> Finding:
    """Return whether the user with this *number* should run a worker."""
    if number:
        return Finding("root", "user", Status.OK, f"runs as user {number}")
    found = "runs as root: whoever finds a hole in it has the whole machine"
    remedy = "run it as a user of its own, as deploy/systemd and the Dockerfile do"
    return Finding("root", "user", Status.ERROR, found, remedy)


def restart(supervisor: str | None) -> Finding:
    """Return whether something starts the process again when it dies."""
    if supervisor:
        return Finding("supervisor", "process", Status.OK, f"started by {supervisor}")
    found = "nothing is seen that would start the worker again when it exits"
    remedy = (
        "start it by the Procfile (`python -m worker.supervise …`), systemd, or a container that restarts"
    )
    return Finding("supervisor", "process", Status.WARNING, found, remedy)
