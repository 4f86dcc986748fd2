"""The processes of this machine, as `ps` shows them."""

from __future__ import annotations

import subprocess
from typing import NamedTuple


class Process(NamedTuple):
    """One line of `ps`; *rss* is in KiB."""

    pid: int
    parent: int
    session: int
    rss: int


def table() -> list[Process]:
    """Return all processes that are no zombies."""
    line = ["ps", "-A", "-o", "stat=,pid=,ppid=,sess=,rss="]
    listed = subprocess.run(line, capture_output=True, check=True, text=True).stdout  # noqa: S603 (our own line)
    rows = [row.split() for row in listed.splitlines()]
    return [Process(*map(int, numbers)) for state, *numbers in rows if not state.startswith("Z")]


def children(pid: int) -> list[int]:
    """Return the living children of a process."""
    return [process.pid for process in table() if process.parent == pid] if pid else []


def session(number: int) -> list[Process]:
    """Return the living processes of a session, orphans among them."""
    return [process for process in table() if process.session == number]
