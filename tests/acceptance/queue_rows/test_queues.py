"""Long queues, lanes, keys that are used at once, and messages that come five times (rows Q1 to Q4)."""

from __future__ import annotations

import json
import statistics
import threading
import time
import uuid
from typing import TYPE_CHECKING

import pytest

from producers.client import Mailer
from producers.errors import IdempotencyConflict
from tasks.testing.actions import Pause
from tests import sizes
from tests.acceptance import processes

if TYPE_CHECKING:
    import redis

    from tests.acceptance.post_office import Worker
    from tests.acceptance.queue_rows.conftest import OpenOffice

pytestmark = [pytest.mark.rounds(1), pytest.mark.timeout(3600)]

MIB = 1024


def memory(worker: Worker) -> int:
    """Return the KiB that all processes of a worker have in memory."""
    return sum(process.rss for process in processes.session(worker.process.pid))


#: The long one needs many minutes.
BACKLOGS = [10_000, 100_000] if sizes.share() == 1 else [sizes.scaled(10_000, once=500)]


@pytest.mark.parametrize("mails", BACKLOGS)
def test_q1_a_backlog_is_sent_in_order_and_once_and_costs_the_worker_no_memory(
    open_office: OpenOffice, mails: int
) -> None:
    """Waiting is not being lost, however long it lasts: the sweeper publishes nothing again."""
    ill = open_office()
    ill.office.enqueue(mails)
    worker = ill.open(POSTROOM_CONCURRENCY="1")
    ill.wait_until(lambda: ill.dots >= mails // 10, "a tenth of the mails", seconds=600)
    before = memory(worker)
    ill.wait_until(lambda: ill.dots >= mails, "all mails", seconds=3000)
    grown = memory(worker) - before
    order = [int(mail.recipients[0].split("@")[0].split(".")[1]) for mail in ill.office.server.dots[:mails]]
    ill.judge()

    assert grown < 50 * MIB
    assert b"published again" not in worker.log.read_bytes()
    assert max(abs(place - number) for place, number in enumerate(order)) <= 50


@pytest.mark.smtpd(data=Pause(0.02))
def test_q2_a_reset_does_not_wait_behind_bulk_mail(open_office: OpenOffice) -> None:
    ill = open_office()
    message = {"to": "ann@example.org", "subject": "s", "body": "b"}
    ill.office.accepted += ill.office.mailer.enqueue_many(
        [message] * sizes.scaled(10_000, once=2400), lane="bulk"
    ).ids
    ill.open()
    ill.wait_until(lambda: ill.dots > 0, "bulk mail on its way")
    seconds = []
    for _ in range(sizes.scaled(100, once=10)):
        began = time.monotonic()
        mail_id = ill.office.mailer.enqueue(message, lane="reset")
        ill.office.mailer.wait(mail_id, timeout=30)
        seconds.append(time.monotonic() - began)
        assert not ill.office.is_idle(), "there was no bulk mail left to wait behind"

    assert statistics.quantiles(seconds, n=20)[-1] < 2.0


def test_q3_fifty_callers_with_one_key_get_one_mail(open_office: OpenOffice) -> None:
    ill = open_office()
    rounds = sizes.scaled(20)
    for number in range(rounds):
        message = {
            "to": "ann@example.org",
            "subject": "s",
            "body": "b",
            "idempotency_key": f"reset/42/{number}",
        }
        ids, conflicts = at_once(ill.office.broker, message)

        assert len(ids) == 50
        assert len(set(ids)) == 1
        assert conflicts == 1
        ill.office.accepted.append(ids[0])
    with ill.redis.client() as client:
        assert client.llen("default") == rounds
    ill.open(POSTROOM_REQUIRE_SEALED="false")
    ill.judge()


def at_once(broker: str, message: dict[str, str]) -> tuple[list[str], int]:
    """Enqueue *message* from fifty threads at once, each with its own client, then another with its key."""
    ids: list[str] = []
    conflicts: list[str] = []
    barrier = threading.Barrier(51)
    first = threading.Event()

    def enqueue(parameters: dict[str, str], *, second: bool = False) -> None:
        with Mailer(broker) as mailer:
            barrier.wait()
            if second:
                first.wait()
            try:
                ids.append(mailer.enqueue(parameters))
            except IdempotencyConflict as conflict:
                conflicts.append(conflict.mail_id)
            first.set()

    threads = [threading.Thread(target=enqueue, args=(message,)) for _ in range(50)]
    threads.append(
        threading.Thread(target=enqueue, args=({**message, "body": "other"},), kwargs={"second": True})
    )
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ids, len(conflicts)


def deliver_again(client: redis.Redis, lane: str, times: int) -> None:
    """Put each message into its queue *times* more, as a broker may that delivers at least once."""
    for text in client.lrange(lane, 0, -1):
        message = json.loads(text)
        for _ in range(times):
            message["properties"]["delivery_tag"] = str(uuid.uuid4())
            client.lpush(lane, json.dumps(message))
    assert json.loads(message["body"]), "there was no message to repeat"


def test_q4_a_mail_whose_message_comes_five_times_is_sent_once(open_office: OpenOffice) -> None:
    ill = open_office()
    ill.office.enqueue(sizes.scaled(1000, once=60))
    with ill.redis.client() as client:
        deliver_again(client, "default", 4)
    for _ in range(8 if sizes.share() else 2):
        ill.open(POSTROOM_CONCURRENCY="2")
    ill.judge(seconds=300)
