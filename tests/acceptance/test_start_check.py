"""The check at a worker's start, against real servers that are set up well and badly; and their passwords."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from producers.client import Mailer
from tasks.testing.script import Script
from tasks.testing.server import ScriptedServer
from worker.broker import LOOPBACK, command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
MAIL = {"to": "ann@example.org", "subject": "s", "body": "b"}
WORKER = ("celery", "-A", "worker.app", "worker", "--concurrency=1")
PASSWORD = "canary-of-the-queue"
SECURED = ("--requirepass", PASSWORD, "--maxmemory", "64mb", "--bind", LOOPBACK)

#: What these tests cannot have, or are not about; in containers they are run by root.
TOLERATED = {"POSTROOM_MODE": "production", "POSTROOM_TOLERATE": "root;sealing;secret-file"}


@pytest.fixture
def serve(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Callable[..., int]]:
    """Starts a server with the embedded broker's options and others, which win; returns its port."""
    running: list[subprocess.Popen[bytes]] = []

    def run(*options: str, port: int = 0) -> int:
        port = port or free_port()
        folder = tmp_path / f"redis.{port}"
        folder.mkdir()
        line = [*command(port, folder), *options]
        running.append(subprocess.Popen(line, stdout=subprocess.DEVNULL))  # noqa: S603 - our own line
        wait_until_served(port)
        return port

    yield run
    for server in running:
        server.kill()
        server.wait()


def wait_until_served(port: int) -> None:
    """Return as soon as the server answers, if only that it wants a password."""
    with (
        redis.Redis(port=port, retry=Retry(ConstantBackoff(0.05), 200)) as client,
        suppress(redis.AuthenticationError),
    ):
        client.ping()


def add_user(operator: redis.Redis, *rights: str) -> None:
    """Add the user `postroom`, who may do everything but what *rights* take away."""
    operator.execute_command("ACL", "SETUSER", "postroom", "on", f">{PASSWORD}", "~*", "&*", "+@all", *rights)


@contextmanager
def mail_server() -> Iterator[tuple[ScriptedServer, dict[str, str]]]:
    """Lend a mail server, and the settings of an account there."""
    with ScriptedServer(Script()) as server:
        account = {
            "HOST": server.host,
            "PORT": str(server.port),
            "SECURITY": "none",
            "SENDER": "d@example.org",
        }
        yield server, {f"POSTROOM_ACCOUNTS__default__{name}": value for name, value in account.items()}


def lines(log: Path) -> list[dict[str, Any]]:
    """The lines of a worker's log that are JSON."""
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]


def errors(log: Path) -> dict[str, str]:
    """What kept the worker from starting: the remedies by the names of the checks."""
    return {
        line["check"]: line["remedy"] for line in lines(log) if line["level"] == "error" and "check" in line
    }


@dataclass(frozen=True)
class Flaw:
    """One thing that is wrong with a server: its options, the login, the check, and what the remedy names."""

    options: tuple[str, ...]
    login: str
    check: str
    setting: str


FLAWS = {
    "eviction": Flaw(
        (*SECURED, "--maxmemory-policy", "allkeys-lru"),
        f":{PASSWORD}@",
        "maxmemory-policy",
        "maxmemory-policy noeviction",
    ),
    "no file": Flaw((*SECURED, "--appendonly", "no"), f":{PASSWORD}@", "appendonly", "appendonly yes"),
    "no password": Flaw(("--maxmemory", "64mb"), "", "password", "requirepass"),
}


@pytest.mark.parametrize("flaw", FLAWS.values(), ids=FLAWS)
def test_r11_production_does_not_start_on_a_server_that_loses_mail_or_lets_in_anybody(
    flaw: Flaw, serve: Any, start: Any, tmp_path: Path
) -> None:
    broker = f"redis://{flaw.login}{LOOPBACK}:{serve(*flaw.options)}/0"
    log = tmp_path / "worker.log"
    with mail_server() as (_, account):
        worker = start(*WORKER, log=log, POSTROOM_BROKER_URL=broker, **account, **TOLERATED)

        assert worker.wait(30) == 2

    assert list(errors(log)) == [flaw.check]
    assert flaw.setting in errors(log)[flaw.check]
    assert PASSWORD not in log.read_text()
    assert "Traceback" not in log.read_text()


def test_development_starts_all_the_same_and_says_what_is_wrong_once(
    serve: Any, start: Any, tmp_path: Path
) -> None:
    broker = f"redis://{LOOPBACK}:{serve('--appendonly', 'no', '--maxmemory-policy', 'allkeys-lru')}/0"
    log = tmp_path / "worker.log"
    with mail_server() as (_, account), Mailer(broker) as mailer:
        start(*WORKER, log=log, POSTROOM_BROKER_URL=broker, POSTROOM_MODE="development", **account)

        assert mailer.wait(mailer.enqueue(MAIL), timeout=30).success

    warned = [line["check"] for line in lines(log) if line["event"] == "start-up check"]
    assert {"appendonly", "maxmemory-policy", "password", "sealing"} <= set(warned)
    assert len(warned) == len(set(warned))


def test_production_starts_on_a_server_that_is_set_up_as_it_should_be_once_it_answers(
    serve: Any, start: Any, eventually: Any, tmp_path: Path, free_port: Any
) -> None:
    port = free_port()
    broker = f"redis://postroom:{PASSWORD}@{LOOPBACK}:{port}/0"
    log = tmp_path / "worker.log"
    # The user of docs/howto/production.md.
    rights = f"on >{PASSWORD} ~* &* +@all -@admin -@dangerous +info +config|get"
    user = ("--user", "postroom", *rights.split(), "--user", "default", "off")
    with mail_server() as (_, account), Mailer(broker) as mailer:
        worker = start(*WORKER, log=log, POSTROOM_BROKER_URL=broker, **account, **TOLERATED)
        eventually(lambda: "waiting for a server" in log.read_text(), "the line that says for what it waits")
        serve(*SECURED[2:], *user, port=port)

        assert mailer.wait(mailer.enqueue(MAIL), timeout=30).success
    assert worker.poll() is None
    assert errors(log) == {}


@pytest.mark.timeout(120)
def test_r15_a_password_that_is_taken_back_is_told_without_it_and_mail_goes_on_once_it_fits(
    serve: Any, start: Any, eventually: Any, tmp_path: Path
) -> None:
    port = serve()
    log = tmp_path / "worker.log"
    with mail_server() as (server, account), redis.Redis(port=port) as operator:
        add_user(operator)
        broker = f"redis://postroom:{PASSWORD}@{LOOPBACK}:{port}/0"
        worker = start(*WORKER, log=log, POSTROOM_BROKER_URL=broker, POSTROOM_LOG_LEVEL="DEBUG", **account)
        with Mailer(f"redis://{LOOPBACK}:{port}/0") as mailer:
            assert mailer.wait(mailer.enqueue(MAIL), timeout=30).success

            operator.execute_command("ACL", "SETUSER", "postroom", "resetpass", ">another-canary")
            operator.client_kill_filter(skipme=True, user="postroom")
            waiting = [mailer.enqueue(MAIL) for _ in range(5)]
            eventually(lambda: "invalid username-password pair" in log.read_text(), "a line that says why")
            operator.execute_command("ACL", "SETUSER", "postroom", f">{PASSWORD}")
            results = [mailer.wait(mail_id, timeout=30) for mail_id in waiting]

    assert all(result.success for result in results)
    assert len(server.dots) == 6
    assert worker.poll() is None
    assert PASSWORD not in log.read_text()
    assert f"redis://postroom:**@{LOOPBACK}:{port}" in log.read_text()


def test_the_doctor_says_what_is_wrong_and_shows_no_password(serve: Any, tmp_path: Path) -> None:
    port = serve(*SECURED, "--maxmemory-policy", "volatile-ttl")
    done = subprocess.run(
        [sys.executable, "-m", "producers.cli.main", "doctor", "--json"],
        env={"POSTROOM_BROKER_URL": f"redis://:{PASSWORD}@{LOOPBACK}:{port}/0", "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    report = json.loads(done.stdout)
    assert (done.returncode, report["ok"], report["mode"]) == (1, False, "development")
    about_redis = {f["check"]: f["status"] for f in report["findings"] if f["subject"].startswith(LOOPBACK)}
    assert {check for check, status in about_redis.items() if status != "ok"} == {"maxmemory-policy"}
    assert PASSWORD not in done.stdout + done.stderr


def test_the_doctor_finds_out_what_an_acl_lets_it_and_names_the_rest(serve: Any, tmp_path: Path) -> None:
    port = serve(*SECURED)
    with redis.Redis(port=port, password=PASSWORD) as operator:
        add_user(operator, "-@dangerous", "-@admin")
    done = subprocess.run(
        [sys.executable, "-m", "producers.cli.main", "doctor", "--json"],
        env={
            "POSTROOM_BROKER_URL": f"redis://postroom:{PASSWORD}@{LOOPBACK}:{port}/0",
            "PYTHONPATH": str(ROOT),
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    found = {f["check"]: f for f in json.loads(done.stdout)["findings"]}
    hidden = {"appendonly", "maxmemory-policy", "maxmemory", "replication", "bind", "version"}
    assert {found[check]["status"] for check in hidden} == {"unknown"}
    assert {found[check]["status"] for check in ("reachable", "password", "scripts", "clock")} == {"ok"}
    assert all("ACL SETUSER" in found[check]["remedy"] for check in hidden)
