"""With `POSTROOM_TRIMS=false` everything works as well, beside workers that have them too."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tasks.contract.status import MailState
from tasks.journal.quarantine import Quarantine
from tests.acceptance.oracle import examine

if TYPE_CHECKING:
    from tests.acceptance.post_office import PostOffice

pytestmark = pytest.mark.timeout(90)

PLAIN = {"POSTROOM_TRIMS": "false"}
LATER = ("451 4.7.1 greylisted, come back",)


@pytest.mark.smtpd(
    rcpt={"canarylocal.0@example.org": LATER, "canarylocal.1@example.org": "550 5.1.1 no such user"}
)
def test_plain_workers_send_retry_refuse_sift_and_stop(office: PostOffice) -> None:
    office.redis.lpush("default", "garbage")
    ids = office.enqueue(30)
    worker = office.open(**PLAIN)
    office.wait_until(office.is_idle, "the mails")
    worker.signal(signal.SIGTERM)

    assert worker.process.wait(30) == 0
    records = office.records()
    states = [record and record.state for record in records.values()]
    assert states.count(MailState.SENT) == 29
    assert records[ids[1]].result.code == 550
    assert [attempt.code for attempt in records[ids[0]].result.attempts] == [451, 250]
    assert [entry.reason for entry in Quarantine(office.redis).entries()] == ["is not JSON"]
    assert not office.redis.exists("default", "unacked", "unacked_index")


def test_workers_with_and_without_trims_share_queues_and_results(office: PostOffice) -> None:
    office.open(**PLAIN)
    office.open()
    for worker in office.workers:
        office.processes_of(worker)
    for lane in ("default", "bulk", "reset"):
        office.enqueue(100, lane=lane)
    office.wait_until(office.is_idle, "the mails")
    with office.app() as app:
        stats = app.control.inspect(timeout=5.0, limit=2).stats()
        shares = [each["total"].get("send_email", 0) for each in stats.values()]

    assert len(shares) == 2
    assert all(shares), shares
    assert sum(shares) == 300
    examine(office).hold()


def test_what_a_worker_with_trims_leaves_is_sent_by_one_without(office: PostOffice) -> None:
    """It dies with messages in hand, so that plain kombu must bring back what a script stored."""
    worker = office.open(fault="begun", fuses=1)
    office.enqueue(20)
    office.wait_until(worker.is_dead, "the worker's death")
    office.open(**PLAIN)
    office.wait_until(office.is_idle, "the mails")
    examine(office).hold()
