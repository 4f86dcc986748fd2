"""Workers that are alive and no longer consume (row W15), and workers that only look so."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tasks.testing.actions import Pause
from tests.acceptance import processes
from tests.acceptance.oracle import examine

if TYPE_CHECKING:
    from tests.acceptance.post_office import PostOffice

pytestmark = [pytest.mark.rounds(5), pytest.mark.timeout(150)]

REASONS = {
    "frozen": "its loop has not turned",
    "full": "messages wait, there is room for them, and it takes none",
}


@pytest.mark.parametrize("fault", REASONS)
def test_w15_a_worker_that_no_longer_consumes_is_started_again(office: PostOffice, fault: str) -> None:
    worker = office.open(fault=fault, supervised=True, POSTROOM_WATCHDOG="4")
    office.wait_until(lambda: worker.main, "the worker")
    first = worker.main
    office.enqueue(10)
    office.wait_until(lambda: worker.main not in {0, first}, "another worker", seconds=90)
    findings = examine(office)

    findings.hold()
    assert {result.code for result in findings.results.values()} == {250}
    assert REASONS[fault] in worker.log.read_text()
    assert "exited with code 1" in worker.log.read_text()


@pytest.mark.smtpd(rcpt=Pause(4.0))
def test_w15_a_worker_that_is_busy_or_idle_or_cut_off_is_left_alone(office: PostOffice) -> None:
    # Longer than Celery takes to connect anew on a busy machine: it asks its peers for a second, too.
    worker = office.open(supervised=True, POSTROOM_WATCHDOG="5")
    office.enqueue(8)
    office.wait_until(lambda: office.server.count("RCPT") >= 8, "all slots to be busy twice")
    office.wait_until(office.is_idle, "the mails")
    first = worker.main
    time.sleep(6.0)  # As long as the watchdog would wait, with nothing to do.
    broker = office.redis.info("server")["process_id"]
    os.kill(broker, signal.SIGSTOP)
    time.sleep(7.0)  # Longer than the worker's patience with Redis, so that it reconnects in vain.
    os.kill(broker, signal.SIGCONT)
    findings = examine(office)

    findings.hold()
    assert worker.main == first or not processes.children(worker.process.pid)
    assert "worker ends itself" not in worker.log.read_text()
    assert "starting again" not in worker.log.read_text()
