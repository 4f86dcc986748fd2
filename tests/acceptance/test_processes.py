"""A worker of two processes: each is a node of its own, and is kept by itself."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.acceptance import processes

if TYPE_CHECKING:
    from celery import Celery

    from tests.acceptance.post_office import PostOffice

pytestmark = pytest.mark.timeout(90)


def nodes(app: Celery) -> dict[str, int]:
    """Return the process id of each node that answers, by the part of its name before the host's."""
    answers = app.control.inspect(timeout=1.0, limit=2).stats() or {}
    return {name.split("@")[0]: stats["pid"] for name, stats in answers.items()}


def test_two_processes_share_the_mails_and_one_that_dies_comes_back_alone(office: PostOffice) -> None:
    heartbeat = office.folder / "heartbeat"
    settings = {"POSTROOM_PROCESSES": "2", "POSTROOM_HEARTBEAT_FILE": str(heartbeat)}
    worker = office.open(supervised=True, **settings)
    with office.app() as app:
        office.wait_until(lambda: nodes(app).keys() == {"w0", "w0-2"}, "two nodes")
        office.enqueue(300)
        office.wait_until(office.is_idle, "the mails")
        stats = app.control.inspect(timeout=5.0, limit=2).stats()
        shares = {name: each["total"]["send_email"] for name, each in stats.items()}

        before = nodes(app)
        os.kill(before["w0-2"], signal.SIGKILL)
        office.wait_until(
            lambda: nodes(app).get("w0-2", before["w0-2"]) != before["w0-2"], "the second again"
        )
        after = nodes(app)
    office.enqueue(20)
    office.wait_until(office.is_idle, "more mails")

    assert len(shares) == 2
    assert all(shares.values()), shares
    assert after["w0"] == before["w0"]
    assert set(processes.children(worker.process.pid)) == set(after.values())
    assert heartbeat.exists()
    assert heartbeat.with_name("heartbeat-2").exists()

    worker.process.terminate()
    assert worker.process.wait(30) == 0
    assert not set(after.values()) & {process.pid for process in processes.table()}

    # Each went to somebody else, and once.
    assert len({mail.recipients for mail in office.server.mails}) == len(office.server.mails) == 320
