"""`postroom completion`, read by a real shell."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[4]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for PATH, in which `postroom` is this checkout's."""
    program = tmp_path / "postroom"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m producers.cli.main "$@"\n')
    program.chmod(0o755)
    return tmp_path


def completed(folder: Path, *words: str) -> list[str]:
    """Return what bash offers where the last of *words* is being typed."""
    bash = shutil.which("bash")
    if not bash:
        if os.environ.get("CI"):
            pytest.fail("there is no bash")
        pytest.skip("there is no bash")
    script = (
        'eval "$(postroom completion bash)" && complete -p postroom >&2 && COMP_WORDS=("$@") && '
        "COMP_CWORD=$(($# - 1)) && _postroom_completion postroom && printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    run = subprocess.run(  # noqa: S603 (our own line)
        [bash, "--norc", "-c", script, "bash", *words],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "_postroom_completion" in run.stderr
    return run.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("postroom", "send"), {"send", "send-many"}),
        (("postroom", "send", "--lane", ""), {"reset", "default", "bulk"}),
        (("postroom", "tail", "--state", "c"), {"cancelled"}),
        (("postroom", "send", "--att"), {"--attach", "--attachment"}),
        (("postroom", "key", ""), {"create", "list", "revoke"}),
        (("postroom", "status", ""), set()),
    ],
    ids=["commands", "lanes", "states", "options", "commands of a command", "no ids"],
)
def test_bash_completes_what_can_be_known(folder: Path, words: tuple[str, ...], offered: set[str]) -> None:
    assert set(completed(folder, *words)) == offered


@pytest.mark.parametrize(("shell", "line"), [("zsh", "compdef"), ("fish", "complete --command postroom")])
def test_other_shells_have_a_script_too(postroom: Any, shell: str, line: str) -> None:
    code, document, errors = postroom("completion", shell, "--json")

    assert (code, document["shell"], errors) == (0, shell, "")
    assert line in document["script"]
    assert "_POSTROOM_COMPLETE" not in os.environ
