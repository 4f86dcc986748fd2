"""Supervision with real processes and real signals."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from worker import supervise

pytestmark = pytest.mark.timeout(60)

ROOT = Path(__file__).parents[2]

#: Notes its process id and each stop signal, and then goes, after it has done what $1 says.
CHILD = """
import os, signal, sys, time

def main(arguments):
    path, manner = arguments
    def note(line):
        with open(path, "a") as notes:
            notes.write(f"{line}\\n")
    def stop(number, frame):
        note(f"got {number}")
        if manner != "stubborn":
            sys.exit(0)
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    note(f"pid {os.getpid()} {os.environ['POSTROOM_PROCESS']}")
    note(f"argv {sys.argv[1:]} {os.environ['POSTROOM_SUPERVISOR']}")
    if manner == "second fails" and os.environ["POSTROOM_PROCESS"] == "2":
        sys.exit(2)
    if manner == "breaks":
        raise OSError("broken")
    if manner.startswith("exit"):
        sys.exit(int(manner[4:]))
    while True:
        time.sleep(60)

if __name__ == "__main__":
    main(sys.argv[1:])
"""


class Supervised:
    """A supervisor and the child that keeps notes."""

    def __init__(self, folder: Path, start: Any, eventually: Any, *, is_forked: bool) -> None:
        child = folder / "child.py"
        child.write_text(CHILD)
        self.folder = folder
        self.child = ("-m", "child") if is_forked else (sys.executable, str(child))
        self.notes = folder / "notes"
        self.log = folder / "log"
        self._start = start
        self._eventually = eventually

    def run(self, manner: str, *options: str) -> None:
        child = (*self.child, str(self.notes), manner)
        environment = {"PYTHONPATH": f"{ROOT}:{self.folder}"}
        self.process = self._start("worker.supervise", *options, *child, log=self.log, **environment)

    def pids(self) -> list[int]:
        return [int(line.split()[1]) for line in self.lines("pid ")]

    def numbers(self) -> list[str]:
        return [line.split()[2] for line in self.lines("pid ")]

    def lines(self, beginning: str) -> list[str]:
        text = self.notes.read_text() if self.notes.exists() else ""
        return [line for line in text.splitlines() if line.startswith(beginning)]

    def wait_for_start(self, count: int = 1) -> int:
        self._eventually(lambda: len(self.pids()) >= count, f"start number {count}")
        return self.pids()[-1]


@pytest.fixture(params=["command", "module"])
def supervised(request: pytest.FixtureRequest, tmp_path: Path, start: Any, eventually: Any) -> Supervised:
    """Either way of running a child must keep every promise."""
    return Supervised(tmp_path, start, eventually, is_forked=request.param == "module")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_process_that_is_killed_is_started_again(supervised: Supervised) -> None:
    supervised.run("obedient")
    os.kill(supervised.wait_for_start(), signal.SIGKILL)

    assert supervised.wait_for_start(2) != supervised.pids()[0]
    assert "exited with code -9; starting again in 1 s" in supervised.log.read_text()


def test_a_process_that_keeps_failing_is_started_ever_more_slowly(supervised: Supervised) -> None:
    supervised.run("exit1")
    supervised.wait_for_start(3)

    assert "code 1; starting again in 1 s" in supervised.log.read_text()
    assert "code 1; starting again in 2 s" in supervised.log.read_text()


def test_a_refused_configuration_is_not_tried_again(supervised: Supervised) -> None:
    supervised.run("exit2")

    assert supervised.process.wait(20) == 2
    assert len(supervised.pids()) == 1


def test_a_command_that_does_not_exist_is_not_tried_again(start: Any, tmp_path: Path) -> None:
    log = tmp_path / "log"

    assert start("worker.supervise", "no-such-command", log=log).wait(20) == 127
    assert "not found" in log.read_text()


def test_a_signal_that_the_process_knows_nothing_of_ends_it(supervised: Supervised) -> None:
    """Although the supervisor has a handler for it."""
    supervised.run("obedient")
    os.kill(supervised.wait_for_start(), signal.SIGQUIT)
    supervised.wait_for_start(2)

    assert f"exited with code -{signal.SIGQUIT.value}" in supervised.log.read_text()


def test_a_process_that_breaks_shows_where_and_is_started_again(supervised: Supervised) -> None:
    """A forked one must not go on as a second supervisor."""
    supervised.run("breaks")
    supervised.wait_for_start(2)
    supervised.process.terminate()

    assert supervised.process.wait(20) == 0
    assert "OSError: broken" in supervised.log.read_text()
    assert supervised.log.read_text().count("exited with code 1; starting again in 1 s") == 1
    assert len(set(supervised.pids())) == 2


def test_a_process_can_start_itself_again_with_its_arguments(supervised: Supervised) -> None:
    """As Celery does when it gets a SIGHUP: with what follows the interpreter's name."""
    supervised.run("obedient")
    supervised.wait_for_start()
    notes = str(supervised.notes)

    expected = ["child", notes, "obedient"] if supervised.child[0] == "-m" else [notes, "obedient"]
    assert supervised.lines("argv") == [f"argv {expected} worker.supervise"]


@pytest.mark.parametrize(
    ("module", "why"),
    [("no_such_module", "No module named 'no_such_module'"), ("json", "json has no function main")],
)
def test_a_module_that_cannot_be_run_is_refused(
    module: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        supervise.main(["-m", module, "argument"])

    assert ended.value.code == 2
    assert f"error: -m {module}: {why}" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["TERM", "INT"])
def test_a_stop_signal_reaches_the_process_once_and_ends_both_cleanly(
    supervised: Supervised, number: signal.Signals
) -> None:
    """Once, although a process runner signals the supervisor's whole group."""
    supervised.run("obedient")
    pid = supervised.wait_for_start()
    os.killpg(supervised.process.pid, number)

    assert supervised.process.wait(20) == 0
    assert supervised.lines("got") == [f"got {number.value}"]
    assert not _is_alive(pid)


def test_a_process_that_will_not_stop_is_killed_after_the_grace(supervised: Supervised) -> None:
    supervised.run("stubborn", "--grace", "0.5")
    pid = supervised.wait_for_start()
    supervised.process.send_signal(signal.SIGTERM)

    assert supervised.process.wait(20) == 0
    assert supervised.lines("got") == ["got 15"]
    assert not _is_alive(pid)


def test_stops_at_once_while_it_waits_to_start_again(supervised: Supervised, eventually: Any) -> None:
    supervised.run("exit1")
    eventually(lambda: "starting again in 2 s" in supervised.log.read_text(), "the second pause")
    supervised.process.send_signal(signal.SIGTERM)

    assert supervised.process.wait(1.5) == 0


def test_asks_for_a_command(start: Any, tmp_path: Path) -> None:
    log = tmp_path / "log"

    assert start("worker.supervise", log=log).wait(20) == 2
    assert "which command to run" in log.read_text()


def test_each_of_several_processes_is_told_its_number_and_started_again_by_itself(
    supervised: Supervised,
) -> None:
    supervised.run("obedient", "--processes", "3")
    supervised.wait_for_start(3)
    second = supervised.pids()[supervised.numbers().index("2")]
    os.kill(second, signal.SIGKILL)
    supervised.wait_for_start(4)

    assert sorted(supervised.numbers()[:3]) == ["1", "2", "3"]
    assert supervised.numbers()[3] == "2"
    assert all(_is_alive(pid) for pid in supervised.pids() if pid != second)


def test_a_stop_signal_ends_all_processes(supervised: Supervised) -> None:
    supervised.run("obedient", "--processes", "3")
    supervised.wait_for_start(3)
    supervised.process.terminate()

    assert supervised.process.wait(20) == 0
    assert supervised.lines("got") == ["got 15"] * 3
    assert not any(map(_is_alive, supervised.pids()))


def test_one_process_that_need_not_be_started_again_leaves_the_others(
    supervised: Supervised, eventually: Any
) -> None:
    supervised.run("second fails", "--processes", "2")
    supervised.wait_for_start(2)
    eventually(lambda: "2: exited with code 2" in supervised.log.read_text(), "the second's end")
    first = supervised.pids()[supervised.numbers().index("1")]

    assert supervised.process.poll() is None
    assert _is_alive(first)


def test_ends_where_no_process_need_be_started_again(supervised: Supervised) -> None:
    supervised.run("exit2", "--processes", "2")

    assert supervised.process.wait(20) == 2
    assert sorted(supervised.numbers()) == ["1", "2"]


def test_how_many_processes_is_said_by_the_environment_where_the_command_line_does_not(
    supervised: Supervised, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTROOM_PROCESSES", "2")
    supervised.run("exit2")

    assert supervised.process.wait(20) == 2
    assert len(supervised.pids()) == 2


@pytest.mark.parametrize("count", ["0", "65", "-1", "two", "1.5"])
def test_a_number_of_processes_that_cannot_be_is_refused(
    count: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        supervise.main([f"--processes={count}", "true"])

    assert ended.value.code == 2
    assert "must be a whole number from 1 to 64 (as must $POSTROOM_PROCESSES)" in capsys.readouterr().err


PROCESSORS = os.sched_getaffinity(0) if sys.platform == "linux" else {0}
SEVERAL = pytest.mark.skipif(len(PROCESSORS) == 1, reason="there is one processor for all")


@SEVERAL
def test_as_many_processes_as_processors_have_one_each_also_when_started_again(
    supervised: Supervised,
) -> None:
    supervised.run("obedient", "--processes", str(len(PROCESSORS)))
    supervised.wait_for_start(len(PROCESSORS))
    first = {pid: os.sched_getaffinity(pid) for pid in supervised.pids()}
    second = supervised.pids()[supervised.numbers().index("2")]
    os.kill(second, signal.SIGKILL)
    again = supervised.wait_for_start(len(PROCESSORS) + 1)

    assert sorted(map(sorted, first.values())) == [[processor] for processor in sorted(PROCESSORS)]
    assert os.sched_getaffinity(again) == first[second]
    assert os.sched_getaffinity(supervised.process.pid) == PROCESSORS
    assert f" 2: runs on processor {min(first[second])}" in supervised.log.read_text()


@SEVERAL
def test_processes_run_wherever_the_system_likes_where_the_environment_says_so(
    supervised: Supervised, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTROOM_CPU_AFFINITY", "none")
    supervised.run("obedient", "--processes", str(len(PROCESSORS)))
    supervised.wait_for_start(len(PROCESSORS))

    assert [os.sched_getaffinity(pid) for pid in supervised.pids()] == [PROCESSORS] * len(PROCESSORS)


def test_an_affinity_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        supervise.main(["--cpu-affinity=0,1", "true"])

    assert ended.value.code == 2
    assert "'0,1' must be auto or none (as must $POSTROOM_CPU_AFFINITY)" in capsys.readouterr().err
