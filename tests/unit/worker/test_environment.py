"""What the environment tells beside the settings: supervisors, containers, Flower's login."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from worker import environment
from worker.environment import flower_problem, surroundings

ROOT = Path(__file__).parents[3]
MARKS = ("POSTROOM_SUPERVISOR", "SYSTEMD_EXEC_PID", "KUBERNETES_SERVICE_HOST")


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is no container, with nobody who supervises."""
    for name in MARKS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(environment, "_CONTAINER_MARKS", (Path("/no/such/mark"),))


def test_a_shell_supervises_nothing() -> None:
    assert surroundings().supervisor is None
    assert not surroundings().is_container


@pytest.mark.parametrize(
    ("name", "value", "supervisor"),
    [
        ("POSTROOM_SUPERVISOR", "worker.supervise", "worker.supervise"),
        ("SYSTEMD_EXEC_PID", str(os.getpid()), "systemd"),
        ("SYSTEMD_EXEC_PID", "1", None),
    ],
    ids=["ours", "systemd", "a service's child"],
)
def test_supervisors_are_known_by_their_marks(
    name: str, value: str, supervisor: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)

    assert surroundings().supervisor == supervisor


def test_our_supervisor_says_that_it_is_there() -> None:
    # Code 2 is not repeated.
    script = "import os; print(os.environ['POSTROOM_SUPERVISOR'], flush=True); raise SystemExit(2)"
    done = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "worker.supervise", sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout == "worker.supervise\n"


def test_a_container_is_known_and_its_runtime_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")

    assert surroundings().is_container
    assert "restart policy" in str(surroundings().supervisor)


def test_flowers_login_is_judged_as_flower_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWER_BASIC_AUTH", "ada:correct-horse-battery")

    assert flower_problem() is None

    monkeypatch.setenv("FLOWER_BASIC_AUTH", "admin:admin")

    assert "default" in str(flower_problem())
