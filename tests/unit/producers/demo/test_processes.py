"""The demo's processes: watched, and never left behind."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

import pytest

from producers.demo.processes import Process, ProcessFailed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: Starts a child that ignores SIGTERM, says its id, and ignores SIGTERM itself.
STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = os.fork()
if child: print(child, flush=True)
time.sleep(60)
"""


@pytest.fixture
def process(tmp_path: Path) -> Callable[[str], Process]:
    def make(program: str) -> Process:
        return Process(
            "double",
            [sys.executable, "-c", program],
            log=tmp_path / "log",
            folder=tmp_path,
            environment=dict(os.environ),
        )

    return make


def _is_alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123 - a file of the kernel
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_process_that_ignores_being_asked_is_killed_with_its_children(
    process: Callable[[str], Process], tmp_path: Path
) -> None:
    stubborn = process(STUBBORN)
    stubborn.start()
    stubborn.wait_for(lambda: (tmp_path / "log").read_text() != "", seconds=10, pause=time.sleep)
    child = int((tmp_path / "log").read_text())
    was_alive = _is_alive(child)
    stubborn.terminate()
    stubborn.end(grace=0.1)

    assert was_alive
    # The kernel kills at once, but need not have finished when killpg returns.
    for _ in range(100):
        if not _is_alive(child):
            return
        time.sleep(0.05)
    pytest.fail("the child lives on")


def test_a_death_is_told_with_the_end_of_the_log(process: Callable[[str], Process]) -> None:
    dying = process("print('first'); print('last words'); raise SystemExit(3)")
    dying.start()
    with pytest.raises(ProcessFailed, match=r"(?s)the double died with exit code 3.*last words"):
        dying.wait_for(lambda: False, seconds=10, pause=time.sleep)

    dying.end(grace=1)


def test_one_that_is_not_ready_in_time_is_named(process: Callable[[str], Process]) -> None:
    slow = process("import time; time.sleep(60)")
    slow.start()
    with pytest.raises(ProcessFailed, match=r"the double was not ready within 0\.1 s"):
        slow.wait_for(lambda: False, seconds=0.1, pause=time.sleep)

    slow.terminate()
    slow.end(grace=5)


def test_a_program_that_is_not_there_is_told(process: Callable[[str], Process]) -> None:
    missing = process("")
    missing.command = ["/nowhere/at-all"]

    with pytest.raises(ProcessFailed, match="cannot be started"):
        missing.start()
    missing.end(grace=0)
