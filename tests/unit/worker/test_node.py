"""What a node has loaded before it is forked, and what it does without."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ENVIRONMENT = {
    "POSTROOM_MODE": "development",
    "POSTROOM_ACCOUNTS__default__HOST": "mail.example.com",
    "POSTROOM_ACCOUNTS__default__SENDER": "desk@example.com",
}

NEVER_NEEDED = ("flower", "prompt_toolkit", "sqlalchemy", "worker.doctor.command")

SCRIPT = f"""
import sys, threading
import worker.node
loaded = set(sys.modules)
print(threading.active_count(), "worker.app" in loaded, sorted(loaded.intersection({NEVER_NEEDED})))
import worker.app
print(sorted(set(sys.modules) - loaded))
"""


@pytest.fixture(scope="module")
def loaded() -> list[str]:
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", SCRIPT], env=ENVIRONMENT, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_it_reads_no_settings_starts_no_thread_and_loads_nothing_for_other_commands(
    loaded: list[str],
) -> None:
    assert loaded[0] == "1 False []"


def test_a_process_that_is_forked_loads_nothing_more_than_the_app(loaded: list[str]) -> None:
    """Whatever it loaded for itself, each would have a copy of."""
    assert loaded[1] == "['worker.app']"
