"""The commands of docs/howto/http.md, typed in the order in which they stand there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "howto" / "http.md"
COMMAND = re.compile(
    r"^```sh\n(curl .*?)\n# (\d{3})\n```(?:\n\n```json\n(.*?)```)?", re.MULTILINE | re.DOTALL
)


def shape(value: Any) -> Any:
    """Return what a JSON value is like: its names, and the kinds of what they stand for."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    return [shape(each) for each in value] if isinstance(value, list) else type(value)


def test_every_command_of_the_page_is_answered_as_it_says(gateway: Any, tmp_path: Path) -> None:
    if not shutil.which("curl"):
        if os.environ.get("CI"):
            pytest.fail("there is no curl")
        pytest.skip("there is no curl")
    (tmp_path / "terms.pdf").write_bytes(b"test")
    environment = {**os.environ, "KEY": gateway.key, "ID": ""}
    commands = COMMAND.findall(PAGE.read_text())

    for command, status, shown in commands:
        line = command.replace("http://127.0.0.1:8080", gateway.url).replace("wait=10", "wait=0")
        run = subprocess.run(  # noqa: S603 (our own page)
            ["/bin/sh", "-c", line.replace("curl ", "curl -w '\\n%{http_code}' ", 1)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        body, _, answered = run.stdout.rpartition("\n")

        assert answered == status, (command, body)
        answer = json.loads(body)
        environment["ID"] = environment["ID"] or answer["id"]
        if shown:
            assert shape(answer) == shape(json.loads(shown)), command

    assert len(commands) == PAGE.read_text().count("curl ") == 8
