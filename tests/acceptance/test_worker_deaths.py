"""Workers are killed at any moment, and nothing is lost or sent twice (rows W1, W7, W13)."""

from __future__ import annotations

import os
import random
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tasks.contract.result import Delivery
from tasks.testing.actions import Pause
from tests import sizes
from tests.acceptance import processes
from tests.acceptance.oracle import examine
from tests.scoreboard import Measure

if TYPE_CHECKING:
    from tests.acceptance.oracle import Findings
    from tests.acceptance.post_office import PostOffice, Worker
    from tests.scoreboard import Scoreboard


def note(scoreboard: Scoreboard, findings: Findings) -> None:
    """Note what is lost, doubled and unknown."""
    of = len(findings.results) + len(findings.open)
    scoreboard.note(Measure.LOST, len(findings.lost), of=of)
    scoreboard.note(Measure.DUPLICATES, len(findings.doubled), of=of)
    scoreboard.note(Measure.UNKNOWN, len(findings.of(Delivery.UNKNOWN)), of=of)
    scoreboard.note(Measure.CANARIES, len(findings.leaks), of=findings.searched)


def recovery(moment: float, in_hand: list[str], findings: Findings) -> float:
    """Return the seconds from a kill until the mails in hand had their results."""
    ends = [findings.results[mail_id].finished_at for mail_id in in_hand if mail_id in findings.results]
    return max((end.timestamp() - moment for end in ends if end), default=0.0)


@pytest.mark.rounds(20)
@pytest.mark.timeout(600)
def test_w1_nothing_is_lost_or_doubled_when_the_worker_is_killed_at_any_moment(
    office: PostOffice, scoreboard: Scoreboard
) -> None:
    office.is_hurried = sizes.share() is None
    kills = 2 if office.is_hurried else 5
    for _ in range(kills):
        seen = len(office.server.dots)
        office.enqueue(100)
        worker = office.open()
        until = seen + random.randint(5, 90)  # noqa: S311 (any moment)
        office.wait_until(lambda until=until: len(office.server.dots) >= until, "mails on their way")
        if random.random() < 0.5:  # noqa: S311
            os.kill(worker.main, signal.SIGKILL)
        else:
            worker.kill()
    moment, in_hand = time.time(), office.in_hand()
    office.open()
    findings = examine(office, seconds=120)

    note(scoreboard, findings)
    # Of the last kill only: mails from the others wait behind those that were enqueued meanwhile.
    scoreboard.note(Measure.WORKER_RECOVERY, recovery(moment, in_hand, findings))
    findings.hold(unknown=kills * 4)


@pytest.mark.rounds(1)
@pytest.mark.timeout(3600)
def test_w7_nothing_is_lost_or_doubled_when_a_sending_process_is_killed(
    office: PostOffice, scoreboard: Scoreboard
) -> None:
    kills = sizes.scaled(100, once=2)
    worker = office.open()
    for _ in range(kills):
        seen = len(office.server.dots)
        office.enqueue(30)
        until = seen + random.randint(2, 25)  # noqa: S311
        office.wait_until(lambda until=until: len(office.server.dots) >= until, "mails on their way")
        if sending := worker.pool:
            os.kill(random.choice(sending), signal.SIGKILL)  # noqa: S311
        else:
            worker.kill()
        worker = office.reopen(worker)
    findings = examine(office)

    note(scoreboard, findings)
    findings.hold(unknown=kills * 4)


def biggest(worker: Worker) -> processes.Process:
    """Return the process that the kernel would choose when memory is short."""
    return max(processes.session(worker.process.pid), key=lambda process: process.rss)


@pytest.mark.rounds(5)
@pytest.mark.timeout(180)
@pytest.mark.smtpd(body=Pause(0.2))
def test_w13_the_process_that_memory_runs_out_for_loses_nothing(office: PostOffice) -> None:
    options = {"POSTROOM_MAX_MESSAGE_BYTES": str(40 * 1024 * 1024), "POSTROOM_CONCURRENCY": "2"}
    stored = office.mailer.store_bytes(os.urandom(18 * 1024 * 1024), name="large.bin")
    worker = office.open(**options)
    office.enqueue(4, attachments=[stored])
    for _ in range(2):
        office.wait_until(lambda worker=worker: biggest(worker).rss > 150_000, "a large mail in memory")
        os.kill(biggest(worker).pid, signal.SIGKILL)
        if not worker.pool:
            worker.process.wait(timeout=20)
        worker = office.reopen(worker, **options)
    findings = examine(office, seconds=90)

    findings.hold(unknown=2)
