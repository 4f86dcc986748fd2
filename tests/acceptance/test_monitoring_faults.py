"""Whoever watches the workers may die, freeze or shout: the mails go on (row F1)."""

from __future__ import annotations

import signal
import subprocess
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest

from tests.acceptance import processes
from tests.acceptance.oracle import examine
from tests.acceptance.post_office import procfile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.acceptance.post_office import PostOffice

pytestmark = pytest.mark.rounds(1)


@pytest.fixture
def flower(office: PostOffice, free_port: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Flower as the Procfile starts it, without the supervisor, once it answers."""
    port, line = free_port(), procfile("flower")
    settings = office.settings(FLOWER_BASIC_AUTH="ada:correct-horse-battery", FLOWER_PORT=str(port))
    line = line[line.index("celery") :]
    with (office.folder / "flower.log").open("wb") as log:
        flower = subprocess.Popen(line, env=settings, stdout=log, stderr=log, start_new_session=True)  # noqa: S603 (the Procfile's own line)

    def is_up() -> bool:
        with suppress(OSError), urlopen(f"http://127.0.0.1:{port}/healthcheck", timeout=5) as answer:
            return bool(answer.status == 200)
        return False

    office.wait_until(is_up, "Flower")
    yield flower
    flower.kill()
    flower.wait()
    assert processes.session(flower.pid) == []


@pytest.fixture
def flood(office: PostOffice) -> Iterator[None]:
    """Somebody who sends many hundreds of events a second."""
    stopped = threading.Event()

    def shout() -> None:
        with office.app() as app, app.events.default_dispatcher(hostname="loud@elsewhere") as dispatcher:
            while not stopped.wait(0.001):
                dispatcher.send("worker-heartbeat", freq=2, noise="x" * 1000)

    thread = threading.Thread(target=shout)
    thread.start()
    yield
    stopped.set()
    thread.join()


@pytest.mark.usefixtures("flood")
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP], ids=["dead", "frozen"])
def test_f1_mails_go_on_when_flower_does_not(
    office: PostOffice, flower: subprocess.Popen[bytes], end: signal.Signals
) -> None:
    office.open()
    office.enqueue(20)
    office.wait_until(office.is_idle, "mails before")
    flower.send_signal(end)
    office.enqueue(200)
    office.wait_until(office.is_idle, "mails after")
    findings = examine(office)

    findings.hold()
    assert {result.code for result in findings.results.values()} == {250}


def test_f1_a_worker_does_not_read_what_workers_say_of_themselves(office: PostOffice) -> None:
    office.processes_of(office.open())

    def subscriptions() -> int:
        return int(office.redis.pubsub_numpat()) + len(office.redis.pubsub_channels())

    office.wait_until(lambda: subscriptions() > 0, "the worker's remote control")

    # That is one; gossip would be another.
    assert subscriptions() == 1
