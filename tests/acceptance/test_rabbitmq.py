"""RabbitMQ as the queue, with quorum queues: the same promises, with journal and results in Redis."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import time
from contextlib import suppress
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery

from producers.integrations.bundle import bundle
from tasks.contract.names import Lane
from tasks.contract.queue import PUBLISH_OPTIONS
from tasks.contract.result import Delivery
from tasks.testing.actions import Pause
from tasks.testing.script import Script
from tasks.testing.server import ScriptedServer
from tests.acceptance.oracle import examine
from tests.acceptance.post_office import PostOffice
from tests.servers.rabbit import RabbitNode, is_installed
from tests.servers.redis_server import RedisServer

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
MAIL = {"to": "ann@example.org", "subject": "s", "body": "b"}

pytestmark = [
    pytest.mark.skipif(not is_installed(), reason="RabbitMQ (Debian's rabbitmq-server) is not installed"),
    pytest.mark.timeout(300),
    # A node takes its time to start: all of these share one.
    pytest.mark.xdist_group("rabbitmq"),
]


@pytest.fixture(scope="module")
def rabbit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitNode]:
    """A node for all of these tests."""
    with RabbitNode(tmp_path_factory.mktemp("rabbit")) as node:
        yield node


@pytest.fixture
def office(rabbit: RabbitNode, tmp_path: Path) -> Iterator[PostOffice]:
    """A post office whose queue is RabbitMQ, and whose queues are empty."""
    # Not deleted: kombu declares a queue once in a connection, and programs share their connections.
    with rabbit.connection() as connection:
        for lane in Lane:
            with suppress(connection.channel_errors):
                connection.channel().queue_purge(lane.value)
    with (
        RedisServer(tmp_path / "redis") as redis,
        ScriptedServer(Script(data=Pause(0.05))) as server,
    ):
        office = PostOffice(rabbit.url, server, tmp_path, journal=redis.url)
        try:
            yield office
        finally:
            office.close()


def test_mails_of_every_lane_are_sent_over_quorum_queues(office: PostOffice, rabbit: RabbitNode) -> None:
    for lane in Lane:
        office.enqueue(2, lane=lane)
    office.open()

    findings = examine(office)

    findings.hold()
    assert len(findings.of(Delivery.SENT)) == 7
    with rabbit.connection() as connection:
        for lane in Lane:
            # A declaration as another type would be refused.
            connection.default_channel.queue_declare(
                lane.value, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"}
            )


def test_a_mail_that_waits_is_cancelled_and_one_whose_message_is_gone_is_sent(
    office: PostOffice, rabbit: RabbitNode
) -> None:
    cancelled, lost = office.enqueue(2)
    with rabbit.connection() as connection:
        connection.default_channel.queue_purge(Lane.DEFAULT.value)
    state = office.mailer.cancel(cancelled).state
    office.open()

    office.wait_until(lambda: office.is_over(lost), "the mail whose message is gone")

    assert state.value == "cancelled"
    assert len(office.server.dots) == 1


def test_nothing_is_lost_or_doubled_when_first_the_worker_and_then_the_node_is_killed(
    office: PostOffice, rabbit: RabbitNode
) -> None:
    office.enqueue(80)
    office.open()
    office.wait_until(lambda: len(office.server.dots) >= 15, "mails on their way", seconds=60)
    office.workers[0].kill()
    heir = office.open(supervised=True)
    office.wait_until(lambda: len(office.server.dots) >= 40, "mails of another worker", seconds=60)
    main = heir.main
    again = rabbit.restart()
    seen = len(office.server.dots)
    office.wait_until(
        lambda: len(office.server.dots) > seen or office.is_idle(), "another mail, or the last", seconds=60
    )

    assert time.monotonic() - again <= 15
    assert heir.main == main

    # What was on its way when the worker died may have arrived.
    examine(office, seconds=90).hold(unknown=4)


def test_a_program_that_knows_the_name_alone_sends_through_a_quorum_queue(office: PostOffice) -> None:
    """As docs/howto/rabbitmq.md tells such programs to."""
    office.open(POSTROOM_REQUIRE_SEALED="false")
    with Celery("shop", broker=office.broker, backend=office.journal, set_as_current=False) as shop:
        shop.conf.task_create_missing_queue_type = "quorum"
        shop.conf.broker_transport_options = {
            "confirm_publish": True,
            "read_timeout": 2,
            "write_timeout": 2,
        }
        result = shop.send_task("send_email", kwargs=MAIL, queue="default", **PUBLISH_OPTIONS)

        assert result.get(timeout=40)["success"]


#: Run in a folder that has the copied file and nothing else of ours.
PROGRAM = """
import sys
from postroom import Client, File

with Client(broker_url=sys.argv[1], journal_url=sys.argv[2], give_up_after=20) as client:
    mail = {"to": "ann@example.org", "subject": "s", "body": "b"}
    ids = [client.send(**mail, lane=lane) for lane in ("reset", "default", "bulk")]
    ids.append(client.send(**mail, attachments=[File("a.txt", b"attached")]))
    print(*(client.wait(mail_id, timeout=40).state for mail_id in ids))
"""


def test_a_copied_file_sends_through_quorum_queues(office: PostOffice, tmp_path: Path) -> None:
    office.open(POSTROOM_REQUIRE_SEALED="false")
    (tmp_path / "postroom.py").write_text(bundle("flask"))

    done = subprocess.run(  # noqa: S603 (our own line)
        # -S leaves out what makes an installed Postroom importable.
        [sys.executable, "-S", "-c", PROGRAM, office.broker, office.journal],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": sysconfig.get_path("purelib")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout, done.stderr) == ("sent sent sent sent\n", "")
    mails = [message_from_bytes(mail.content, policy=default) for mail in office.server.mails]
    assert [part.get_content() for mail in mails for part in mail.iter_attachments()] == ["attached"]


def test_the_command_line_sends_and_the_doctor_examines_the_node(office: PostOffice) -> None:
    office.open(POSTROOM_REQUIRE_SEALED="false")

    mail = ("--to", "ann@example.org", "--subject", "s", "--body", "b")
    sent = postroom(office, "send", *mail, "--wait", "40")
    report = postroom(office, "doctor")

    assert sent["state"] == "sent"
    about = {f["check"]: f["status"] for f in report["findings"] if "(queue)" in f["subject"]}
    assert about == {"password": "error", "network": "ok", "reachable": "ok", "version": "ok"}


def postroom(office: PostOffice, *arguments: str) -> dict[str, Any]:
    """Return what the command line says as JSON."""
    done = subprocess.run(  # noqa: S603 (our own module)
        [sys.executable, "-m", "producers.cli.main", *arguments, "--json"],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "POSTROOM_BROKER_URL": office.broker,
            "POSTROOM_JOURNAL_URL": office.journal,
        },
        cwd=office.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
