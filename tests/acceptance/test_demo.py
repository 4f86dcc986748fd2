"""`postroom demo` as a user runs it: nothing but the command."""

from __future__ import annotations

import email
import json
import os
import signal
import subprocess
import sys
import time
from email import policy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
DEMO = [sys.executable, "-m", "producers.cli.main", "demo"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def options(tmp_path: Path, folder: Path) -> dict[str, Any]:
    """Started elsewhere, with settings in the environment that must not leak into the demo."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("POSTROOM_", "CELERY_"))}
    return {
        "args": [*DEMO, "--folder", str(folder)],
        "cwd": tmp_path,
        "env": {
            **environment,
            "PYTHONPATH": str(ROOT),
            "POSTROOM_DEFAULT_ACCOUNT": "another",
            "CELERY_BROKER_URL": "redis://127.0.0.1:1/0",
        },
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
        "start_new_session": True,
    }


def _lines_in(folder: Path) -> dict[int, str]:
    """Return the command lines of all processes that work in *folder* or name it, by their ids."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            place = str((process / "cwd").readlink())
        except OSError:
            continue
        if int(process.name) != os.getpid() and (str(folder) in line or place.startswith(str(folder))):
            found[int(process.name)] = line
    return found


def _processes_in(folder: Path) -> list[str]:
    return list(_lines_in(folder).values())


def _workers_in(folder: Path) -> list[int]:
    return [pid for pid, line in _lines_in(folder).items() if "worker.app" in line]


def _mail(path: str) -> Any:
    return email.message_from_bytes(Path(path).read_bytes(), policy=policy.default)


def test_three_mails_arrive_one_is_refused_and_nothing_is_left_running(
    options: dict[str, Any], folder: Path
) -> None:
    options["args"].append("--json")
    done = subprocess.run(**options, timeout=50, check=False)
    demo = json.loads(done.stdout)
    plain, html, latin1, refused = demo["mails"]

    assert (done.returncode, done.stderr) == (0, "")
    assert demo["as_expected"] is True
    assert [mail["result"]["success"] for mail in demo["mails"]] == [True, True, True, False]
    assert [mail["code"] for mail in demo["mails"]] == [250, 250, 250, 550]
    assert refused["caught"] is None
    assert "\r\n.\r\n" in _mail(plain["caught"]).get_content()
    _check_html(_mail(html["caught"]))
    _check_latin1(_mail(latin1["caught"]))
    assert _processes_in(folder) == []


def _check_html(mail: Any) -> None:
    [attachment] = mail.iter_attachments()

    assert attachment.get_filename() == "figures; 2030.csv"
    assert "dave" in mail["X-Envelope-To"]
    assert mail["Cc"] == "Carol <carol@example.org>"
    del mail["X-Envelope-To"]
    assert "dave" not in str(mail)


def _check_latin1(mail: Any) -> None:
    assert mail["To"].addresses[0].display_name == "Müller; Jürgen"
    assert mail.get_content_charset() == "iso-8859-1"
    assert mail.get_content().strip() == "Schöne Grüße!"


def test_people_see_a_table_and_where_the_mails_lie(options: dict[str, Any], folder: Path) -> None:
    options["env"]["COLUMNS"] = "80"
    done = subprocess.run(**options, timeout=50, check=False)
    lines = done.stdout.splitlines()

    assert done.returncode == 0
    assert all(
        word in done.stdout for word in ("id", "success", "code", "message", "550", "5.1.1 No such user")
    )
    assert max(len(line) for line in lines if line.startswith("│")) <= 80
    assert {line.strip() for line in lines if line.endswith(".eml")} == {
        str(file) for file in folder.glob("*/mail/*.eml")
    }


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_a_stop_in_the_middle_leaves_nothing_running(
    number: signal.Signals, options: dict[str, Any], folder: Path, eventually: Callable[..., None]
) -> None:
    with subprocess.Popen(**options) as demo:
        eventually(lambda: list(folder.glob("*/worker.log")), "the worker is started")
        were_running = _processes_in(folder)
        began = time.monotonic()
        demo.send_signal(number)
        code = demo.wait(20)

    assert code == 130
    assert len(were_running) >= 3
    assert time.monotonic() - began < 15
    assert _processes_in(folder) == []


def test_a_death_is_told_and_the_rest_is_stopped(
    options: dict[str, Any], folder: Path, eventually: Callable[..., None]
) -> None:
    options["args"].append("--json")
    with subprocess.Popen(**options) as demo:
        eventually(lambda: _workers_in(folder), "the worker is started")
        os.kill(_workers_in(folder)[0], signal.SIGKILL)
        output, _ = demo.communicate(timeout=30)

    assert demo.returncode == 1
    assert json.loads(output)["error"]["code"] == "demo_failed"
    assert "the worker died with exit code -9" in json.loads(output)["error"]["message"]
    assert _processes_in(folder) == []
