"""The commands of the pages about HTTP, typed in the order in which they stand there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

HOWTO = Path(__file__).parents[3] / "docs" / "howto"
COMMAND = re.compile(
    r"^```sh\n(curl .*?)\n# (\d{3})\n```(?:\n\n```json\n(.*?)```)?", re.MULTILINE | re.DOTALL
)


def shape(value: Any) -> Any:
    """Return what a JSON value is like: its names, and the kinds of what they stand for."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    return [shape(each) for each in value] if isinstance(value, list) else type(value)


@pytest.mark.parametrize(("page", "count"), [("http.md", 8), ("webhooks.md", 5)])
def test_every_command_of_the_page_is_answered_as_it_says(
    gateway: Any, tmp_path: Path, page: str, count: int
) -> None:
    if not shutil.which("curl"):
        if os.environ.get("CI"):
            pytest.fail("there is no curl")
        pytest.skip("there is no curl")
    (tmp_path / "terms.pdf").write_bytes(b"test")
    environment = {**os.environ, "KEY": gateway.key, "ID": ""}
    text = (HOWTO / page).read_text()
    commands = COMMAND.findall(text)

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
        environment["ID"] = environment["ID"] or answer.get("id", "")
        if shown:
            assert shape(answer) == shape(json.loads(shown)), command

    assert len(commands) == text.count("curl ") == count
