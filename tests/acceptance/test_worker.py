"""The worker as the Procfile starts it: its lanes, its end, and its death."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis

from producers.client import Mailer
from tasks.contract.result import Delivery
from tasks.testing.actions import Pause
from tasks.testing.script import Script
from tasks.testing.server import ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
MAIL = {"to": "ann@example.org", "subject": "s", "body": "b"}


@dataclass
class House:
    """A broker's database, a mail server, and the settings of a worker between them."""

    broker: str
    server: ScriptedServer
    folder: Path

    def worker(self, **settings: str) -> subprocess.Popen[bytes]:
        """Start a worker in a process group of its own."""
        environment = {
            **os.environ,
            "POSTROOM_BROKER_URL": self.broker,
            "POSTROOM_ACCOUNTS__default__HOST": self.server.host,
            "POSTROOM_ACCOUNTS__default__PORT": str(self.server.port),
            "POSTROOM_ACCOUNTS__default__SECURITY": "null",
            "POSTROOM_ACCOUNTS__default__SENDER": "desk@example.org",
            "POSTROOM_LEASE": "3",
            "POSTROOM_PATIENCE": "3",
            "PYTHONPATH": str(ROOT),
            **settings,
        }
        line = [sys.executable, "-m", "celery", "-A", "worker.app", "worker"]
        with (self.folder / "worker.log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603 (our own line)
                line, cwd=self.folder, env=environment, stdout=log, stderr=log, start_new_session=True
            )

    def copies(self) -> Counter[str]:
        """How many dots the server saw for each recipient."""
        return Counter(mail.recipients[0] for mail in self.server.dots)


@pytest.fixture
def house(request: pytest.FixtureRequest, valkey: str, tmp_path: Path) -> Iterator[House]:
    """A house with a database of its own; its server follows the script that the test is marked with."""
    marker = request.node.get_closest_marker("smtpd")
    broker = valkey.removesuffix("/0") + "/7"
    with redis.Redis.from_url(broker) as client:
        client.flushdb()
    with ScriptedServer(Script(**(marker.kwargs if marker else {}))) as server:
        yield House(broker, server, tmp_path)


def kill(worker: subprocess.Popen[bytes]) -> None:
    """End all of a worker's processes at once, as the machine's death would."""
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()


def test_a_reset_does_not_wait_behind_bulk_mail(house: House) -> None:
    with Mailer(house.broker) as mailer:
        mailer.enqueue_many([MAIL] * 20, lane="bulk")
        reset = mailer.enqueue({**MAIL, "to": "reset@example.org"}, lane="reset")
        worker = house.worker(POSTROOM_CONCURRENCY="1")
        try:
            mailer.wait(reset, timeout=30)
        finally:
            kill(worker)

    assert house.server.mails[0].recipients == ("reset@example.org",)


@pytest.mark.smtpd(rcpt={"slow@example.org": Pause(2.0)})
def test_a_worker_that_is_told_to_stop_finishes_the_mail_in_hand(house: House) -> None:
    with Mailer(house.broker) as mailer:
        mail_id = mailer.enqueue({**MAIL, "to": "slow@example.org"})
        worker = house.worker(POSTROOM_CONCURRENCY="1")
        while not house.server.count("RCPT"):
            assert worker.poll() is None
        worker.terminate()

        assert worker.wait(timeout=20) == 0
        assert mailer.poll(mail_id).result is not None
    assert house.copies() == {"slow@example.org": 1}


@pytest.mark.timeout(120)
@pytest.mark.smtpd(data=Pause(0.05))
def test_a_worker_that_is_killed_amid_its_work_loses_nothing_and_doubles_nothing(house: House) -> None:
    recipients = [f"r{i}@example.org" for i in range(60)]
    with Mailer(house.broker) as mailer:
        batch = mailer.enqueue_many([{**MAIL, "to": recipient} for recipient in recipients])
        first = house.worker(POSTROOM_CONCURRENCY="4")
        while len(house.server.dots) < 15:
            assert first.poll() is None
        kill(first)
        second = house.worker(POSTROOM_CONCURRENCY="4")
        try:
            results = [mailer.wait(mail_id, timeout=60) for mail_id in batch.ids if mail_id]
        finally:
            kill(second)

    outcomes = Counter(result.delivery for result in results)
    assert set(outcomes) <= {Delivery.SENT, Delivery.UNKNOWN}
    assert outcomes[Delivery.UNKNOWN] <= 4
    assert max(house.copies().values()) == 1
    assert outcomes[Delivery.SENT] <= len(house.server.mails)


def test_a_mail_whose_message_the_broker_lost_is_sent_all_the_same(house: House) -> None:
    with Mailer(house.broker) as mailer, redis.Redis.from_url(house.broker) as broker:
        mail_id = mailer.enqueue(MAIL)
        lost = broker.delete("default")
        worker = house.worker(POSTROOM_CONCURRENCY="1")
        try:
            outcome = mailer.wait(mail_id, timeout=30)
        finally:
            kill(worker)

    assert lost == 1
    assert outcome.success
    assert house.copies() == {"ann@example.org": 1}
