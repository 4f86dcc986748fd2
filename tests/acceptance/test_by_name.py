"""A program with its own tasks.py and worker.py enqueues by name; nothing of ours is installed there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.testing.server import ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Iterator

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A mail server that takes everything."""
    with ScriptedServer() as server:
        yield server


def test_a_plain_celery_program_sends_a_mail_and_reads_its_result(
    valkey: str, server: ScriptedServer, tmp_path: Path
) -> None:
    # Another database than the other tests', whose worker would take the mail.
    broker = valkey.removesuffix("/0") + "/5"
    shop = tmp_path / "shop"
    shutil.copytree(ROOT / "examples" / "by_name", shop)
    worker_environment = {
        **os.environ,
        "POSTROOM_BROKER_URL": broker,
        "POSTROOM_ACCOUNTS__default__HOST": server.host,
        "POSTROOM_ACCOUNTS__default__PORT": str(server.port),
        "POSTROOM_ACCOUNTS__default__SECURITY": "null",
        "POSTROOM_ACCOUNTS__default__SENDER": "desk@example.org",
        "POSTROOM_CONCURRENCY": "1",
    }
    # -S leaves out what makes an installed Postroom importable; the libraries come by PYTHONPATH.
    shop_environment = {
        "PATH": os.environ["PATH"],
        "POSTROOM_BROKER_URL": broker,
        "PYTHONPATH": sysconfig.get_path("purelib"),
    }
    line = [sys.executable, "-m", "celery", "-A", "worker.app", "worker"]
    with subprocess.Popen(line, cwd=ROOT, env=worker_environment, stderr=subprocess.DEVNULL) as worker:  # noqa: S603 (our own line)
        try:
            done = subprocess.run(
                [sys.executable, "-S", "enqueue.py", "ann@example.org"],
                cwd=shop,
                env=shop_environment,
                capture_output=True,
                text=True,
                timeout=50,
                check=False,
            )
        finally:
            worker.terminate()

    assert done.returncode == 0, done.stderr
    assert done.stdout.split(maxsplit=3)[1:3] == ["True", "250"]
    assert [mail.recipients for mail in server.mails] == [("ann@example.org",)]


def test_that_program_cannot_import_postroom(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": sysconfig.get_path("purelib")}
    code = "import celery, importlib.util as u; print(u.find_spec('tasks'), u.find_spec('producers'))"

    done = subprocess.run(  # noqa: S603 (our own line)
        [sys.executable, "-S", "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split() == ["None", "None"]
