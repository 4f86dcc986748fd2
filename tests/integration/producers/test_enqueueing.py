"""Handing in against a real server: what lies in Redis, and what it took to get it there."""

from __future__ import annotations

import asyncio
import json
import math
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
import redis
from celery import Celery

from producers import measure
from producers.async_client import AsyncMailer
from producers.client import Mailer
from producers.measure import BATCH
from tasks.contract.names import TASK_NAME
from tasks.journal.scripts import MOST_CALLS
from tasks.journal.sealing import SEALED, generate_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

MAIL: dict[str, Any] = {"to": "ann@example.org", "subject": "Grüße", "body": "b"}


@pytest.fixture
def server(valkey_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(valkey_url) as client:
        yield client


def mails(count: int) -> Iterator[dict[str, Any]]:
    return ({**MAIL, "subject": str(number)} for number in range(count))


def taken(url: str, queue: str = "bulk") -> list[Any]:
    """Take the messages of *queue* as a worker does: with kombu."""
    app = Celery(broker=url, set_as_current=False)
    found = []
    with app.connection_for_read() as connection, connection.channel() as channel:
        while message := channel.basic_get(queue, no_ack=True):
            found.append(message)
    app.close()
    return found


def journal_urls(url: str) -> dict[str, str]:
    return {"one Redis": url, "two databases": url.removesuffix("/0") + "/1"}


@pytest.mark.parametrize("is_lean", [True, False], ids=["lean", "by Celery"])
@pytest.mark.parametrize("place", ["one Redis", "two databases"])
def test_every_way_leads_to_the_same_messages_in_order(
    valkey_url: str, server: redis.Redis, *, place: str, is_lean: bool
) -> None:
    with Mailer(valkey_url, journal_url=journal_urls(valkey_url)[place], is_lean=is_lean) as mailer:
        batch = mailer.enqueue_many(mails(3))
        single = mailer.enqueue(MAIL, lane="bulk")
    server.select(1 if place == "two databases" else 0)
    messages = taken(valkey_url)

    assert [message.headers["id"] for message in messages] == [*batch.ids, single]
    assert {message.headers["task"] for message in messages} == {TASK_NAME}
    assert [json.loads(message.body)[1]["subject"] for message in messages] == ["0", "1", "2", "Grüße"]
    assert server.zcard("postroom:open") == 4


@pytest.mark.parametrize("is_lean", [True, False], ids=["lean", "by Celery"])
def test_nothing_is_published_twice_or_early(valkey_url: str, *, is_lean: bool) -> None:
    with Mailer(valkey_url, is_lean=is_lean) as mailer:
        first = mailer.enqueue(MAIL, lane="bulk", idempotency_key="k")
        again = mailer.enqueue(MAIL, lane="bulk", idempotency_key="k")
        later = mailer.enqueue_many([MAIL], send_at="2099-01-01T00:00:00Z")
        state = mailer.poll(str(later.ids[0])).state

    assert (first, state) == (again, "queued")
    assert [message.headers["id"] for message in taken(valkey_url)] == [first]


def test_sealed_parameters_are_sealed_in_the_message(valkey_url: str) -> None:
    with Mailer(valkey_url, sealing_keys=[generate_key()]) as mailer:
        mailer.enqueue(MAIL, lane="bulk")
    [message] = taken(valkey_url)

    assert list(json.loads(message.body)[1]) == [SEALED]
    assert message.headers["kwargsrepr"] == "{…}"


def test_a_mail_takes_one_round_trip_and_a_part_of_many_too(valkey_url: str, server: redis.Redis) -> None:
    """A script, and in it the pushes: no subscription, no declaration, no transaction, no new connection."""
    with Mailer(valkey_url) as mailer:
        mailer.enqueue(MAIL)
        mailer.enqueue_many(mails(BATCH))
        before = (
            server.info("clients")["connected_clients"],
            server.info("stats")["total_connections_received"],
        )
        server.config_resetstat()
        mailer.enqueue(MAIL)
        mailer.enqueue_many(mails(BATCH))
        sent = {name: stats["calls"] for name, stats in server.info("commandstats").items()}
        after = (
            server.info("clients")["connected_clients"],
            server.info("stats")["total_connections_received"],
        )

    from_outside = {name for name in sent if "subscribe" in name or name in {"cmdstat_sadd", "cmdstat_multi"}}
    assert from_outside == set()
    assert sent["cmdstat_lpush"] == sent["cmdstat_evalsha"]
    assert sent["cmdstat_evalsha"] == 1 + math.ceil(BATCH / MOST_CALLS)
    assert (after[0], after[1]) == (before[0], 0)


def test_a_queue_elsewhere_that_is_away_does_not_lose_what_the_journal_has(
    valkey_url: str, server: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    with Mailer("redis://127.0.0.1:1/0", journal_url=valkey_url) as mailer:
        mail_id = mailer.enqueue(MAIL)
        state = mailer.poll(mail_id).state

    assert (state, server.zcard("postroom:open")) == ("queued", 1)
    assert [record.message for record in caplog.records] == ["not published yet"]


def test_a_long_generator_takes_the_memory_of_a_short_one(
    valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A part ends by its size alone, so that a busy machine does not make it smaller.
    monkeypatch.setattr(measure, "LONGEST", 60.0)

    def peak(count: int) -> int:
        tracemalloc.start()
        for _ in mailer.enqueue_each({**MAIL, "body": "x" * 1000} for _ in range(count)):
            pass
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    with Mailer(valkey_url) as mailer:
        mailer.enqueue(MAIL)
        short, long = peak(3 * BATCH), peak(9 * BATCH)

    assert long < 1.3 * short


def test_an_event_loop_enqueues_what_comes_asynchronously(valkey_url: str) -> None:
    async def source() -> AsyncIterator[dict[str, Any]]:
        for message in [*mails(BATCH), {}, MAIL]:
            yield message

    async def all_of_them() -> list[Any]:
        async with AsyncMailer(valkey_url) as mailer:
            return [outcome async for outcome in mailer.enqueue_each(source())]

    found = asyncio.run(all_of_them())

    assert [outcome.index for outcome in found] == list(range(BATCH + 2))
    assert [outcome.index for outcome in found if outcome.error] == [BATCH]
    assert [message.headers["id"] for message in taken(valkey_url)] == [o.mail_id for o in found if o.mail_id]
