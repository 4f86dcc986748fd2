"""What the gateway says of itself, tried out: every operation, every status, links from one to the next."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

SETTINGS = Path(__file__).with_name("schemathesis.toml")
#: Seconds that the search for a broken promise may take.
SECONDS = 600 if os.environ.get("POSTROOM_FAULTS") == "full" else 20


@pytest.mark.timeout(SECONDS + 120)
def test_the_gateway_keeps_what_its_description_promises(gateway: Any, tmp_path: Path) -> None:
    line = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(SETTINGS), "run"]
    line += [f"{gateway.url}/openapi.json", "--header", f"Authorization: Bearer {gateway.key}"]
    line += ["--checks", "all", "--max-time", str(SECONDS), "--generation-deterministic"]
    # DELETE cancels: an email that was cancelled is still there to be asked for, with its result. And a batch
    # is accepted though some of its emails are wrong: each is judged by itself.
    line += ["--exclude-checks", "use_after_free,negative_data_rejection"]

    run = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S603 (our own line)

    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
    document = httpx.get(f"{gateway.url}/openapi.json").json()
    count = sum(len(operations) for operations in document["paths"].values())
    assert f"{count} selected / {count} total" in run.stdout
    assert "Stateful (in" in run.stdout


def test_the_description_needs_nothing_from_elsewhere(gateway: Any) -> None:
    document = httpx.get(f"{gateway.url}/openapi.json")

    assert document.json()["openapi"].startswith("3.1")
    assert "http://" not in document.text
    assert httpx.get(f"{gateway.url}/docs").status_code == 404


def test_every_operation_describes_its_errors_as_problems(gateway: Any) -> None:
    document = httpx.get(f"{gateway.url}/openapi.json").json()
    answers = [
        (operation["operationId"], status, answer)
        for operations in document["paths"].values()
        for operation in operations.values()
        for status, answer in operation["responses"].items()
        if status >= "400"
    ]

    assert len(answers) > 50
    assert [each for each in answers if list(each[2]["content"]) != ["application/problem+json"]] == []


def test_no_other_origin_is_let_in(gateway: Any) -> None:
    with gateway.client() as client:
        answer = client.get("/v1/emails", headers={"Origin": "https://elsewhere.example"})

    assert [name for name in answer.headers if name.startswith("access-control-")] == []
