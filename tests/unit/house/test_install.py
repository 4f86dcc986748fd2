"""Which interpreter `make install` takes, with interpreters that are scripts."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
#: Answers the two questions that are asked of a candidate, and notes what else it is told.
INTERPRETER = """#!/bin/sh
case "$2" in
  *version_info*) {fits} ;;
  *ensurepip*) {has_venv} ;;
  *) echo "$0 $*" >> "{notes}"; [ "$2" = venv ] && mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
esac
true
"""


class Machine:
    """A machine with chosen interpreters in a PATH of its own, and an empty checkout."""

    def __init__(self, folder: Path) -> None:
        self.checkout = folder / "checkout"
        self.bin = folder / "bin"
        self.notes = folder / "notes"
        for made in (self.checkout, self.bin):
            made.mkdir()
        for tool in ("sh", "mkdir", "cp", "rm"):
            (self.bin / tool).symlink_to(shutil.which(tool) or tool)
        # The script asks for the distribution's interpreter by its path, which a test cannot take away.
        script = (ROOT / "requirements" / "install").read_text()
        (self.checkout / "install").write_text(script.replace("/usr/bin/python3 ", "distributions "))

    def has(self, name: str, *, fits: bool = True, venv: bool = True) -> None:
        program = self.bin / name
        program.write_text(
            INTERPRETER.format(
                fits="true" if fits else "exit 1", has_venv="true" if venv else "exit 1", notes=self.notes
            )
        )
        program.chmod(0o755)

    def install(self, python: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - our own script
            [str(self.bin / "sh"), "install"],
            cwd=self.checkout,
            env={**os.environ, "PATH": str(self.bin), "PYTHON": python},
            capture_output=True,
            text=True,
            check=False,
        )

    def orders(self) -> list[str]:
        return self.notes.read_text().splitlines() if self.notes.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_takes_the_newest_interpreter_that_runs(machine: Machine) -> None:
    machine.has("python3.13", fits=False)
    machine.has("python3.12")
    machine.has("python3")
    done = machine.install()

    assert done.returncode == 0
    assert done.stdout == "Setting up .venv (first time, about a minute) ...\n"
    assert machine.orders()[0] == f"{machine.bin}/python3.12 -m venv .venv"


def test_prefers_the_one_of_the_distribution(machine: Machine) -> None:
    machine.has("python3.14")
    machine.has("distributions")
    machine.install()

    assert machine.orders()[0] == f"{machine.bin}/distributions -m venv .venv"


def test_passes_over_one_that_cannot_make_environments(machine: Machine) -> None:
    machine.has("python3.12", venv=False)
    machine.has("python3.11")
    machine.install()

    assert machine.orders()[0] == f"{machine.bin}/python3.11 -m venv .venv"


def test_takes_the_one_that_is_named(machine: Machine) -> None:
    machine.has("python3.12")
    machine.has("mine")
    machine.install("mine")

    assert machine.orders()[0] == f"{machine.bin}/mine -m venv .venv"


def test_installs_only_what_the_lock_vouches_for(machine: Machine) -> None:
    machine.has("python3")
    machine.install()

    assert "--require-hashes -r requirements/dev.txt" in machine.orders()[1]
    assert "--no-build-isolation --no-deps -e ." in machine.orders()[2]
    assert "--require-hashes --no-deps -r requirements/generator.txt" in machine.orders()[3]


def test_keeps_an_environment_that_works(machine: Machine) -> None:
    machine.has("python3")
    machine.install()
    done = machine.install()

    assert done.stdout == "Bringing .venv up to date ...\n"
    assert sum("-m venv" in order for order in machine.orders()) == 1


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        pytest.param("", "Postroom needs Python 3.11 or newer", id="any"),
        pytest.param("python3", "PYTHON=python3 is not a working Python 3.11", id="named"),
    ],
)
def test_one_sentence_says_that_no_interpreter_fits(machine: Machine, named: str, reason: str) -> None:
    machine.has("python3", fits=False)
    done = machine.install(named)

    assert done.returncode == 1
    assert done.stderr.startswith(reason)
    assert done.stderr.count("\n") == 1
    assert machine.orders() == []


@pytest.mark.parametrize("named", ["", "python3"], ids=["any", "named"])
def test_one_sentence_says_that_venv_is_missing(machine: Machine, named: str) -> None:
    machine.has("python3", venv=False)
    done = machine.install(named)

    assert done.returncode == 1
    assert done.stderr.startswith("python3 lacks the venv module")
    assert done.stderr.count("\n") == 1
