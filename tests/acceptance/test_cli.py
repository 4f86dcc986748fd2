"""`postroom` against a broker, a worker and a mail server that are real."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]


@pytest.fixture
def environment(valkey_url: str, tmp_path: Path) -> dict[str, str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    account = "POSTROOM_ACCOUNTS__default__"
    return {
        "POSTROOM_BROKER_URL": valkey_url,
        "POSTROOM_CONCURRENCY": "1",
        "POSTROOM_SECRETS_FOLDER": str(tmp_path / "none"),
        f"{account}HOST": "127.0.0.1",
        f"{account}PORT": port,
        f"{account}SECURITY": "none",
        f"{account}SENDER": "desk@example.org",
    }


@pytest.fixture
def postroom(environment: dict[str, str], tmp_path: Path) -> Callable[..., tuple[int, Any]]:
    def run(*arguments: str, given: str = "") -> tuple[int, Any]:
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "producers.cli.main", *arguments, "--json"],
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            cwd=tmp_path,
            input=given,
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )
        assert "Traceback" not in done.stderr
        return done.returncode, json.loads(done.stdout)

    return run


def _mail(to: str) -> tuple[str, ...]:
    return ("--to", to, "--subject", "Hello", "--body", "Text")


def test_a_mail_is_handed_in_delivered_and_looked_up(
    postroom: Any, start: Any, environment: dict[str, str], tmp_path: Path, eventually: Any
) -> None:
    port = environment["POSTROOM_ACCOUNTS__default__PORT"]
    start("producers.demo.catcher", "--port", port, "--folder", str(tmp_path / "mail"))
    start("celery", "-A", "worker.app", "worker", "--loglevel=INFO", **environment)
    eventually(lambda: postroom("verify")[0] == 0, "the mail server listens")
    code, sent = postroom("send", *_mail("ann@example.org"), "--wait", "30")

    assert (code, sent["state"], sent["code"]) == (0, "sent", 250)
    code, [refused] = postroom(
        "send",
        "--input",
        "-",
        "--wait",
        "30",
        given='[{"to": "nobody@example.org", "subject": "s", "body": "b"}]',
    )
    assert (code, refused["state"], refused["code"]) == (1, "not_sent", 550)
    code, both = postroom("wait", sent["mail_id"], refused["mail_id"])
    assert (code, both) == (1, [sent, refused])
    assert len(list((tmp_path / "mail").glob("*.eml"))) == 1


def test_without_a_worker_a_mail_waits_and_without_a_mail_server_no_account_is_usable(postroom: Any) -> None:
    code, queued = postroom("send", *_mail("ann@example.org"), "--idempotency-key", "k")

    assert (code, queued["state"]) == (0, "queued")
    assert postroom("send", *_mail("ann@example.org"), "--idempotency-key", "k") == (0, queued)
    code, conflict = postroom("send", *_mail("bob@example.org"), "--idempotency-key", "k")
    assert (code, conflict["error"]["code"]) == (2, "idempotency_conflict")
    code, [waited] = postroom("wait", queued["mail_id"], "--timeout", "0.1")
    assert (code, waited["state"]) == (3, "queued")
    assert postroom("status", "none")[0] == 4
    code, [report] = postroom("verify", "--timeout", "5")
    assert (code, report["ok"], report["error"]["code"]) == (1, False, 611)
