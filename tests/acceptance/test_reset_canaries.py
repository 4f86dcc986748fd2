"""Neither link, token, address nor secret of a reset is found anywhere, also where nothing is sealed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from producers.client import Mailer
from producers.password_reset.resets import Resets
from tasks.testing.actions import Say
from tasks.testing.script import Script
from tasks.testing.server import ScriptedServer
from tests.acceptance.canaries import leaks
from tests.acceptance.glass_house import FLOWER, LOGIN, Broker, flower_is_up, flower_pages, inspections
from tests.acceptance.howto import ROOT, link_in
from tests.scoreboard import Measure
from worker.broker import wait_until_ready

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BASE = "https://accounts.example.org/canarylink"
CANARIES = {"canarylink", "canaryaddress", "canaryname", "canarysecret"}
#: What was typed; without a key it waits in Redis, and is told nowhere else.
TYPED = {"canarytyped"}
#: What the server says quotes address and link, as real ones do.
QUOTE = f"canaryaddress.%s@example.org does not take {BASE}"
RECIPIENTS = {
    "canaryaddress.refused@example.org": Say(f"550 5.1.1 {QUOTE % 'refused'}"),
    "canaryaddress.row2@example.org": Say(f"550 5.1.1 {QUOTE % 'row2'}"),
    "canaryaddress.patient@example.org": (Say(f"451 4.7.1 {QUOTE % 'patient'}"), None),
}
USERS = ("known", "refused", "patient", "asked", "row1", "row2")


@pytest.fixture
def broker(start: Any, free_port: Any, tmp_path: Path) -> Broker:
    broker = Broker(free_port(), tmp_path / "data")
    start("worker.broker", "--port", str(broker.port), "--data", str(broker.data))
    wait_until_ready(broker.port)
    broker.listen()
    return broker


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(Script(rcpt=RECIPIENTS)) as server:
        yield server


@pytest.fixture
def settings(broker: Broker, server: ScriptedServer, tmp_path: Path) -> dict[str, str]:
    """The settings of worker and Flower, apart from ports."""
    rows = [f"canarytyped.{u},canaryaddress.{u}@example.org,canaryname {u},yes" for u in USERS]
    rows.append("canarytyped.gone,canaryaddress.gone@example.org,canaryname gone,no")
    (tmp_path / "users.csv").write_text("\n".join(["user,email,name,active", *rows]))
    (tmp_path / "secret").write_text("canarysecret" + "0" * 32)
    given = {
        "BROKER_URL": broker.url,
        "LOG_LEVEL": "DEBUG",
        "ACCOUNTS__default__HOST": server.host,
        "ACCOUNTS__default__PORT": str(server.port),
        "ACCOUNTS__default__SECURITY": "none",
        "ACCOUNTS__default__SENDER": "desk@example.org",
        "RESETS__DIRECTORY": "csv",
        "RESETS__DIRECTORY_FILE": str(tmp_path / "users.csv"),
        "RESETS__LINK_BASE": BASE,
        "RESETS__LINK_SECRET_FILE": str(tmp_path / "secret"),
        "RESETS__PRODUCT": "Example",
        "RESETS__SUPPORT": "help@example.org",
        "RESETS__ACTOR_DOMAIN": "staff.example.org",
        "RESETS__ANSWERS_STRANGERS": "true",
    }
    return {**{f"POSTROOM_{name}": value for name, value in given.items()}, "FLOWER_BASIC_AUTH": LOGIN}


def ask(resets: Resets) -> dict[str, str]:
    """Ask in every way, for every outcome; return the ids."""
    ids = {
        name: resets.for_user(f"canarytyped.{name}", actor="ben", ticket=f"T-{name}")
        for name in ("known", "refused", "patient", "gone", "nobody")
    }
    ids["asked"] = resets.for_requester("canarytyped.asked", source="10.0.0.1")
    ids["throttled"] = resets.for_requester("canarytyped.asked", source="10.0.0.1")
    ids["unknown"] = resets.for_requester("canarytyped.unknown", source="10.0.0.1")
    ids["completed"] = resets.completed("canarytyped.known")
    return ids


def postroom(broker: Broker, *arguments: str) -> bytes:
    """Return all that a command prints, on either stream."""
    line = [sys.executable, "-m", "producers.cli.main", *arguments, "--broker", broker.url]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(line, env=environment, capture_output=True, check=False, timeout=60)  # noqa: S603 (our own line)
    assert b"Traceback" not in done.stderr
    return done.stdout + done.stderr


def run_batch(broker: Broker, folder: Path) -> dict[str, bytes]:
    """Reset two users by a file; return what was printed about it."""
    file = folder / "batch.csv"
    file.write_text("user\ncanarytyped.row1\ncanarytyped.row2\n")
    ran = postroom(broker, "reset-passwords", str(file), "--actor", "ben", "--max-refused", "100", "--json")
    job = json.loads(ran)["job"]
    reports = {
        f"report {kind}": postroom(broker, "reset-passwords", "report", job, "--format", kind)
        for kind in ("csv", "jsonl", "html")
    }
    status = postroom(broker, "reset-passwords", "status", job)
    assert b"1 sent, 1 failed" in status
    return {"batch": ran, "batch status": status, **reports}


@pytest.mark.timeout(120)
@pytest.mark.scores(Measure.CANARIES)
def test_no_link_token_or_address_of_a_reset_is_found_anywhere(  # noqa: PLR0913 (all that is looked through)
    *,
    broker: Broker,
    server: ScriptedServer,
    settings: dict[str, str],
    start: Any,
    eventually: Any,
    free_port: Any,
    tmp_path: Path,
) -> None:
    """One run for all workflows and outcomes, because each process takes seconds to start."""
    log, port = tmp_path / "worker.log", free_port()
    with Resets(broker.url) as resets, Mailer(broker.url) as mailer:
        ids = ask(resets)
        before = {"Redis": broker.everything(), "commands": bytes(broker.commands)}
        start(*FLOWER, **settings, FLOWER_PORT=str(port))
        eventually(lambda: flower_is_up(port), "Flower")
        start("celery", "-A", "worker.app", "worker", "--hostname=w@resets", log=log, **settings)
        places = {"inspections": inspections(broker, "w@resets", ids.values())}
        codes = {name: mailer.wait(mail_id, timeout=40).code for name, mail_id in ids.items()}
        places |= run_batch(broker, tmp_path)
        eventually(lambda: len(server.mails) == 8, "the notices of the three resets that failed")
        places |= flower_pages(port, "w@resets", ids.values())
        places["results"] = repr([mailer.poll(mail_id) for mail_id in ids.values()]).encode()
        places["record"] = postroom(broker, "reset", "audit", "--json")
        redis = {"Redis after": broker.everything(), "commands": bytes(broker.commands)}
    places |= {"worker's log": log.read_bytes()}
    tokens = {
        link_in(mail.content).rpartition("/")[2] for mail in server.mails if b"canarylink" in mail.content
    }

    assert codes == {"known": 250, "refused": 550, "patient": 250, "gone": 602, "nobody": 602} | {
        "asked": 250,
        "throttled": 602,
        "unknown": 602,
        "completed": 250,
    }
    assert len(tokens) == 4
    told = [mail.recipients[0] for mail in server.mails if b"not sent" in mail.content]
    assert told == ["ben@staff.example.org"] * 3
    assert leaks({**before, **redis, **places}, CANARIES | tokens) == {}
    assert leaks({name: text for name, text in places.items() if name != "record"}, TYPED) == {}
    assert leaks(before, TYPED) == {"Redis": TYPED, "commands": TYPED}
