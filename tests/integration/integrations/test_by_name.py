"""Mails by name, through a real Valkey."""

from __future__ import annotations

import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import redis
from celery import Celery

from producers.integrations.client import Client
from producers.integrations.failures import Unavailable
from producers.integrations.mails import File, Mail
from tasks.contract.validation import parse
from tasks.journal.blobs import LIFETIME, BlobStore
from tests.servers.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Iterator

GOOD: dict[str, Any] = {"to": "ann@example.org", "subject": "Hello", "body": "How are you?"}


@pytest.fixture
def client(valkey_url: str) -> Iterator[Client]:
    with Client(broker_url=valkey_url) as client:
        yield client


@pytest.fixture
def database(valkey_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(valkey_url) as database:
        yield database


def queued(database: redis.Redis, lane: str) -> list[dict[str, Any]]:
    return [json.loads(entry) for entry in database.lrange(lane, 0, -1)]


def fields_of(entry: dict[str, Any]) -> dict[str, Any]:
    _, fields, _ = json.loads(base64.b64decode(entry["body"]))
    return dict(fields)


def test_a_mail_is_an_ordinary_message_that_shows_nothing(client: Client, database: redis.Redis) -> None:
    mail_id = client.send(**GOOD, lane="reset")

    [entry] = queued(database, "reset")
    headers = entry["headers"]
    assert (headers["id"], headers["task"]) == (mail_id, "send_email")
    assert (headers["argsrepr"], headers["kwargsrepr"]) == ("()", "{…}")
    assert parse(fields_of(entry)).subject == "Hello"
    assert "ignore_result" not in headers or not headers["ignore_result"]


def test_attachments_never_travel_in_the_message(client: Client, database: redis.Redis) -> None:
    content = b"canary" * 1000
    files = [File("a; ü.pdf", content), File("b.pdf", content)]
    client.send(**GOOD, attachments=files)

    [entry] = queued(database, "default")
    names = parse(fields_of(entry)).attachments
    digest = names[0].removeprefix("stored:").partition("/")[0]
    assert names == (f"stored:{digest}/a; ü.pdf", f"stored:{digest}/b.pdf")
    assert BlobStore(database).get(digest) == content
    assert LIFETIME - 60 < database.ttl(f"postroom:blob:{digest}") <= LIFETIME
    assert b"canary" not in json.dumps(entry).encode() + base64.b64decode(entry["body"])


def test_many_mails_share_round_trips(client: Client, database: redis.Redis) -> None:
    client.send(**GOOD)
    before = database.info("stats")["total_reads_processed"]

    ids = client.send_many([Mail(**GOOD, lane="bulk")] * 1000)

    # A read brings 16 KiB at most, a message has about one and a half.
    assert database.info("stats")["total_reads_processed"] - before < 500
    assert [entry["headers"]["id"] for entry in reversed(queued(database, "bulk"))] == ids
    assert len(set(ids)) == 1000


def test_threads_share_a_client(client: Client, database: redis.Redis) -> None:
    with ThreadPoolExecutor(16) as threads:
        ids = list(threads.map(lambda _: client.send(**GOOD), range(64)))

    assert len(set(ids)) == 64
    assert {entry["headers"]["id"] for entry in queued(database, "default")} == set(ids)


@pytest.mark.parametrize("count", [1, 3])
def test_connections_that_died_meanwhile_are_made_anew(
    client: Client, database: redis.Redis, count: int
) -> None:
    client.send(**GOOD)
    database.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    ids = client.send_many([Mail(**GOOD, lane="bulk")] * count)

    assert {entry["headers"]["id"] for entry in queued(database, "bulk")} == set(ids)


def test_celerys_own_variables_are_the_web_applications(
    valkey_url: str, database: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("CELERY_RESULT_BACKEND", "redis://127.0.0.1:1/0")
    client = Client(broker_url=valkey_url)

    mail_id = client.send(**GOOD)

    assert client.status(mail_id).state == "queued"
    assert database.llen("default") == 1
    assert database.pubsub_channels() == []


def test_a_result_is_what_the_worker_stored(client: Client, valkey_url: str) -> None:
    workers = Celery("worker", backend=valkey_url, set_as_current=False)
    result = {"success": False, "code": 550, "message": "5.1.1 No", "delivery": "not_sent"}
    mail_id = client.send(**GOOD)

    before = client.status(mail_id)
    workers.backend.store_result(mail_id, result, "SUCCESS")
    status = client.wait(mail_id, timeout=5)

    assert (before.state, before.is_final, before.success, before.code) == ("queued", False, None, None)
    assert (status.state, status.is_final, status.success) == ("not_sent", True, False)
    assert (status.code, status.message, status.result) == (550, "5.1.1 No", result)


@pytest.mark.parametrize(
    ("stored", "state", "code"),
    [
        (
            ({"success": False, "code": 650, "message": "", "delivery": "not_sent"}, "SUCCESS"),
            "cancelled",
            650,
        ),
        (
            ({"success": False, "code": 650, "message": "", "delivery": "partial"}, "SUCCESS"),
            "partial",
            650,
        ),
        ((ValueError("canary"), "FAILURE"), "not_sent", 699),
        ((None, "RETRY"), "retrying", None),
    ],
    ids=["cancelled", "cancelled for some", "fault of the worker", "another attempt"],
)
def test_every_end_has_a_state(
    client: Client, valkey_url: str, stored: tuple[Any, str], state: str, code: int | None
) -> None:
    workers = Celery("worker", backend=valkey_url, set_as_current=False)
    workers.backend.store_result("an-id", *stored)

    status = client.status("an-id")

    assert (status.state, status.code) == (state, code)
    assert "canary" not in str(status)


def test_waiting_ends_in_time(client: Client) -> None:
    begun = time.monotonic()

    assert client.wait("an-id", timeout=0.3).state == "queued"
    assert 0.3 <= time.monotonic() - begun < 2


@pytest.mark.parametrize("url", ["redis://:hunter2@127.0.0.1:1/0", "amqp://ann:hunter2@127.0.0.1:1//"])
def test_a_queue_that_is_away_is_told_at_once_and_without_its_password(url: str) -> None:
    client = Client(broker_url=url, journal_url="redis://:hunter2@127.0.0.1:1/0")
    begun = time.monotonic()

    for call in (
        lambda: client.send(**GOOD),
        lambda: client.send(**GOOD, attachments=[File("a", b"")]),
        lambda: client.status("an-id"),
    ):
        with pytest.raises(Unavailable) as away:
            call()
        assert "hunter2" not in str(away.value)
    assert time.monotonic() - begun < 6


def test_a_queue_that_hangs_is_given_up(valkey: str) -> None:
    port = int(valkey.rpartition(":")[2].partition("/")[0])
    with Proxy(port) as proxy:
        client = Client(broker_url=proxy.url, give_up_after=1)
        client.send(**GOOD)
        proxy.fall_silent()
        begun = time.monotonic()

        with pytest.raises(Unavailable):
            client.send(**GOOD)

    assert time.monotonic() - begun < 3
