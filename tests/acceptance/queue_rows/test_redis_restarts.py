"""Redis dies and comes back while mails are being sent (rows R1, R2, R3, R9 and R10)."""

from __future__ import annotations

import os
import random
import signal
import time
from typing import TYPE_CHECKING

import pytest

from producers.errors import MailNotFound
from tasks.testing.actions import Pause
from tests import sizes
from tests.acceptance.oracle import examine

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.queue_rows.conftest import OpenOffice
    from tests.acceptance.queue_rows.ill_office import IllOffice
    from tests.servers.redis_server import RedisServer

pytestmark = [pytest.mark.rounds(1), pytest.mark.timeout(3600)]

#: Long enough that mails are in hand whenever Redis dies.
SLOW = pytest.mark.smtpd(data=Pause(0.05))

#: Mails that may be unknown for each time: those whose dot was out. Each is a slot of the worker.
SLOTS = 8


def restart_amid_work(ill: IllOffice, number: signal.Signals, *, times: int, mails: int) -> None:
    ill.open()
    for _ in range(times):
        ill.amid(mails)
        ill.resumes(ill.redis.restart(number, away=random.uniform(0, 1)))  # noqa: S311
    ill.judge(unknown=times * SLOTS, seconds=120)


@SLOW
def test_r1_a_redis_that_is_killed_and_started_again_costs_no_mail(open_office: OpenOffice) -> None:
    restart_amid_work(open_office(), signal.SIGKILL, times=sizes.scaled(50), mails=60)


@SLOW
def test_r2_a_redis_that_is_stopped_and_started_again_costs_no_mail(open_office: OpenOffice) -> None:
    restart_amid_work(open_office(), signal.SIGTERM, times=sizes.scaled(20), mails=60)


@SLOW
@pytest.mark.parametrize("state", ["busy", "idle"][: sizes.scaled(2)])
def test_r3_a_redis_that_comes_and_goes_leaves_no_worker_stalled(open_office: OpenOffice, state: str) -> None:
    ill = open_office()
    ill.open()
    ill.amid(10)
    times = sizes.scaled(10)
    for _ in range(times):
        if state == "idle":
            ill.wait_until(ill.office.is_idle, "an idle worker", seconds=60)
        else:
            ill.amid(100)
        for _ in range(5):
            up = ill.redis.restart(away=random.uniform(0, 1))  # noqa: S311
            time.sleep(random.uniform(0.2, 1))  # noqa: S311 (five times in ten seconds)
        # A busy worker may have sent all of them between the restarts.
        ill.office.enqueue()
        ill.resumes(up)
    ill.judge(unknown=5 * times * SLOTS)


@SLOW
@pytest.mark.skipif(sizes.share() is None, reason="as R1 but for a setting; CI has no time for both")
def test_r9_a_redis_that_syncs_always_has_nothing_to_lose(open_office: OpenOffice) -> None:
    ill = open_office("--appendfsync", "always")
    restart_amid_work(ill, signal.SIGKILL, times=sizes.scaled(20), mails=30)


def journal_file(redis: RedisServer) -> Path:
    """Return the append-only file that is being written."""
    return max(redis.folder.glob("appendonlydir/*.incr.aof"), key=lambda file: file.stat().st_mtime)


@SLOW
def test_r9_what_a_power_failure_took_is_gone_and_everything_else_goes_on(open_office: OpenOffice) -> None:
    """The documented exception: mails that were not synced are forgotten, or sent again; nobody crashes."""
    ill = open_office()
    ill.open()
    for _ in range(sizes.scaled(5)):
        ids = ill.amid(60)
        synced = journal_file(ill.redis).stat().st_size
        ids += ill.office.enqueue(20)
        ill.redis.end()
        os.truncate(journal_file(ill.redis), synced)
        ill.redis.start()
        up = time.monotonic()
        known = {mail_id for mail_id in ids if is_known(ill, mail_id)}
        ill.office.accepted = [mail_id for mail_id in ill.office.accepted if is_known(ill, mail_id)]
        ill.office.enqueue()
        ill.resumes(up)
        ill.wait_until(ill.office.is_idle, "an end of all mails that are left", seconds=60)

        assert len(known) == 60
        assert all(ill.office.is_over(mail_id) for mail_id in known)


def is_known(ill: IllOffice, mail_id: str) -> bool:
    try:
        ill.office.mailer.poll(mail_id)
    except MailNotFound:
        return False
    return True


@SLOW
def test_r10_an_emptied_redis_forgets_its_mails_and_takes_new_ones(
    open_office: OpenOffice,
) -> None:
    ill = open_office()
    worker = ill.open()
    [forgotten, *_] = ill.amid(60)
    main = worker.main
    with ill.redis.client() as client:
        client.flushall()
    flushed = time.monotonic()

    with pytest.raises(MailNotFound):
        ill.office.mailer.poll(forgotten)
    ill.office.accepted.clear()
    ill.wait_until(lambda: not ill.office.in_hand(), "the end of what was in hand")
    new = ill.office.enqueue(5)
    ill.resumes(flushed)
    assert worker.main == main, "the worker exited"
    findings = examine(ill.office)

    assert findings.left_behind == []
    assert {findings.results[mail_id].code for mail_id in new} == {250}
    assert {findings.dots[mail_id] for mail_id in new} == {1}
