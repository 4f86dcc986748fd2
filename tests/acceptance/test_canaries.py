"""With a key, nothing of what mails say is found anywhere: neither in Redis and its files, nor beside it."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import redis
from celery import Celery
from pydantic import SecretStr

from producers.client import Mailer
from producers.errors import IdempotencyConflict
from tasks.contract.status import MailState
from tasks.journal.sealing import SEALED, Seal, generate_key
from tasks.testing.actions import Pause, Reset
from tasks.testing.script import Script
from tasks.testing.server import ScriptedServer
from tests.acceptance.canaries import hits, leaks
from tests.acceptance.glass_house import (
    FLOWER,
    LOGIN,
    Broker,
    flower_is_up,
    flower_pages,
    inspections,
)
from tests.scoreboard import Measure
from worker.broker import LOOPBACK, wait_until_ready

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = generate_key()
LINK = "https://shop.example/canarylink"
CANARIES = {
    *("canarysubject", "canarybody", "canarylink", "canarylocal", "canaryname", "canaryheader"),
    *("canaryfile", "canarycontent", "canarykey"),
}
METADATA = "canarymetadata"
#: How the mails end that end at once.
CODES = {"sent": 250, "refused": 550, "gone": 601, "outside": 601, "unknown": 690, "expired": 620} | {
    "invalid": 600,
    "replayed": 600,
}
#: What the server says quotes the mail, as real ones do.
QUOTE = f"<canarylocal.%s@example.org> does not take {LINK}"
RECIPIENTS = {
    "canarylocal.refused@example.org": f"550 5.1.1 {QUOTE % 'refused'}",
    "canarylocal.patient@example.org": (f"451 4.7.1 try again in 9 seconds: {QUOTE % 'patient'}",),
    "canarylocal.mute@example.org": Pause(60.0),
}


@pytest.fixture
def broker(start: Any, free_port: Any, tmp_path: Path) -> Broker:
    broker = Broker(free_port(), tmp_path / "data")
    start("worker.broker", "--port", str(broker.port), "--data", str(broker.data))
    wait_until_ready(broker.port)
    broker.listen()
    return broker


@pytest.fixture
def servers() -> Iterator[tuple[ScriptedServer, ScriptedServer]]:
    """A server that takes, refuses, defers and falls silent, and one that is gone after the dot."""
    with ScriptedServer(Script(rcpt=RECIPIENTS)) as server, ScriptedServer(Script(dot=Reset())) as broken:
        yield server, broken


def mail(who: str, **parameters: Any) -> dict[str, Any]:
    return {
        "to": f"canaryname <canarylocal.{who}@example.org>",
        "bcc": "canarylocal.bcc@example.org",
        "subject": "canarysubject",
        "body": f"canarybody {LINK}",
        "headers": {"X-Shop": "canaryheader"},
        "metadata": {"order": METADATA},
        **parameters,
    }


def hand_in(mailer: Mailer, broker: Broker) -> dict[str, str]:
    """Hand in a mail for each outcome; return their ids."""
    stored = mailer.store_bytes(b"canarycontent", name="canaryfile.txt")
    past, future = (datetime.now(UTC) + timedelta(hours=hours) for hours in (-1, 1))
    ids = {
        "sent": mailer.enqueue(mail("sent", attachments=[stored], idempotency_key="canarykey")),
        "refused": mailer.enqueue(mail("refused", bcc="")),
        "gone": mailer.enqueue(mail("gone", attachments=[f"stored:{'0' * 64}/canaryfile.txt"])),
        "outside": mailer.enqueue(mail("outside", attachments=["canaryfile.txt"])),
        "unknown": mailer.enqueue(mail("unknown", account="broken")),
        "expired": mailer.enqueue(mail("expired", expires_at=past.isoformat())),
        "patient": mailer.enqueue(mail("patient", bcc="")),
        "mute": mailer.enqueue(mail("mute", bcc="")),
        "later": mailer.enqueue(mail("later"), send_at=future),
    }
    assert mailer.enqueue(mail("sent", attachments=[stored], idempotency_key="canarykey")) == ids["sent"]
    with pytest.raises(IdempotencyConflict):
        mailer.enqueue(mail("other", idempotency_key="canarykey"))
    with Celery("shop", broker=broker.url, set_as_current=False) as shop:
        for what, wrong in {"invalid": {"timeout": 5}, "replayed": {}}.items():
            ids[what] = str(uuid.uuid4())
            sealed_for = ids[what] if what == "invalid" else ids["sent"]
            token = Seal([SecretStr(KEY)]).seal(sealed_for, json.dumps(mail(what, **wrong)))
            shop.send_task(
                "send_email", kwargs={SEALED: token}, task_id=ids[what], queue="default", ignore_result=True
            )
    return ids


@pytest.fixture
def settings(
    broker: Broker, servers: tuple[ScriptedServer, ScriptedServer], tmp_path: Path
) -> dict[str, str]:
    """The settings of worker and Flower, apart from ports."""
    (tmp_path / "keys").write_text(f"{KEY}\n")
    (tmp_path / "empty").mkdir()
    settings = {
        "POSTROOM_BROKER_URL": broker.url,
        "POSTROOM_SEALING_KEYS_FILE": str(tmp_path / "keys"),
        "POSTROOM_REQUIRE_SEALED": "true",
        "POSTROOM_ATTACHMENT_ROOTS": str(tmp_path / "empty"),
        "POSTROOM_CONCURRENCY": "3",
        "POSTROOM_LOG_LEVEL": "DEBUG",
        "FLOWER_BASIC_AUTH": LOGIN,
    }
    for name, server in zip(("default", "broken"), servers, strict=True):
        account = {"HOST": LOOPBACK, "PORT": str(server.port), "SECURITY": "none", "SENDER": "desk@x.org"}
        settings |= {f"POSTROOM_ACCOUNTS__{name}__{key}": value for key, value in account.items()}
    return settings


@pytest.mark.timeout(90)
@pytest.mark.scores(Measure.CANARIES)
def test_no_canary_is_found_anywhere(
    broker: Broker, settings: dict[str, str], start: Any, eventually: Any, free_port: Any
) -> None:
    """One run for all outcomes, because each process takes seconds to start."""
    log, port = broker.data.parent / "worker.log", free_port()
    with Mailer(broker.url, sealing_keys=[KEY]) as mailer:
        ids = hand_in(mailer, broker)
        before = {"Redis": broker.everything(), "commands": bytes(broker.commands)}
        start(*FLOWER, **settings, FLOWER_PORT=str(port))
        eventually(lambda: flower_is_up(port), "Flower")
        start("celery", "-A", "worker.app", "worker", "--hostname=w@sealed", log=log, **settings)

        def is_put_back() -> bool:
            return mailer.poll(ids["patient"]).state is MailState.RETRYING

        eventually(is_put_back, "a mail that is put back")
        places = {"Redis": broker.everything(), "inspections": inspections(broker, "w@sealed", ids.values())}
        codes = {name: mailer.wait(ids[name], timeout=30).code for name in CODES}
        known = [mail_id for name, mail_id in ids.items() if name != "later"]
        places |= flower_pages(port, "w@sealed", known)
        mailer.wait(ids["patient"], timeout=30)
        places |= {"Redis after": broker.everything(), "log": log.read_bytes()}
    places["commands"] = bytes(broker.commands)

    assert codes == CODES
    assert ids["mute"].encode() in places["inspections"]
    assert leaks(before, {*CANARIES, METADATA}) == {}
    assert leaks(places, CANARIES) == {}
    assert hits(places["Redis after"], {METADATA}) == {METADATA}


def test_the_search_finds_what_is_not_sealed(broker: Broker) -> None:
    """The test above would pass, too, if it searched in the wrong places."""
    with Mailer(broker.url) as mailer:
        stored = mailer.store_bytes(b"canarycontent", name="canaryfile.txt")
        mailer.enqueue(mail("sent", attachments=[stored], idempotency_key="canarykey"))
        with redis.Redis.from_url(broker.url) as client:
            queue = client.lindex("default", 0)
            client.delete(*client.scan_iter("postroom:*"))

    assert hits(broker.everything(), CANARIES) == CANARIES
    assert hits(bytes(broker.commands), CANARIES) == CANARIES
    assert hits(queue, {*CANARIES, METADATA}) == {*CANARIES, METADATA} - {"canarycontent"}
