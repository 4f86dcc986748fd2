"""`make run`: every process of Procfile.dev, from the first mail to Ctrl-C."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from celery import Celery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.timeout(120)


class House:
    """A checkout with ports of its own, and what it runs."""

    def __init__(self, folder: Path, free_port: Callable[[], int]) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.broker, self.mail, self.flower, self.web = (free_port() for _ in range(4))
        self.url = f"redis://127.0.0.1:{self.broker}/0"
        for name in ("worker", "tasks", "producers", "deploy", "Procfile.dev"):
            (folder / name).symlink_to(ROOT / name)
        (folder / ".venv").symlink_to(sys.prefix)
        settings = {
            "BROKER_PORT": self.broker,
            "MAIL_PORT": self.mail,
            "FLOWER_PORT": self.flower,
            "POSTROOM_WEB_PORT": self.web,
            "POSTROOM_BROKER_URL": self.url,
            "POSTROOM_RESULT_BACKEND": self.url,
            "POSTROOM_JOURNAL_URL": self.url,
            "POSTROOM_ACCOUNTS__default__PORT": self.mail,
        }
        (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))

    def run(self) -> None:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(  # noqa: S603 - our own script
                [str(self.folder / "deploy" / "run")],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def worker_pids(self, producer: Celery) -> list[int]:
        answers = producer.control.inspect(timeout=1.0).stats() or {}
        return [answer["pid"] for answer in answers.values()]

    def listens(self, port: int) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0):
            return True
        return False


@pytest.fixture
def house(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[House]:
    house = House(tmp_path, free_port)
    house.run()
    yield house
    if house.process.poll() is None:
        house.process.terminate()
    house.process.wait(30)


@pytest.fixture
def producer(house: House) -> Iterator[Celery]:
    with Celery("producer", broker=house.url, backend=house.url, set_as_current=False) as app:
        yield app


def _send(producer: Celery) -> dict[str, Any]:
    kwargs = {"to": "ada@example.org", "subject": "Hello", "body": "Hello"}
    result = producer.send_task("send_email", kwargs=kwargs, queue="default")
    answer: dict[str, Any] = result.get(timeout=40)
    return answer


def _is_alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def test_mail_goes_out_also_after_the_worker_was_killed_and_an_interrupt_leaves_nothing_running(
    house: House, producer: Celery, eventually: Any
) -> None:
    for port in (house.broker, house.mail, house.flower, house.web):
        eventually(lambda port=port: house.listens(port), f"port {port}")
    assert _send(producer)["success"] is True
    inbox = f"http://127.0.0.1:{house.web}/inbox"
    assert inbox in house.log.read_text()
    assert "ada@example.org" in httpx.get(inbox).text

    eventually(lambda: house.worker_pids(producer), "the worker's answer")
    [killed] = house.worker_pids(producer)
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: set(house.worker_pids(producer)) - {killed}, "another worker in its place", seconds=40)
    assert _send(producer)["success"] is True
    assert house.process.poll() is None

    [worker] = set(house.worker_pids(producer)) - {killed}
    house.process.send_signal(signal.SIGINT)
    house.process.wait(20)

    assert not _is_alive(worker)
    assert [port for port in (house.broker, house.mail, house.flower) if house.listens(port)] == []
    assert len(list((house.folder / ".run" / "mail" / "new").iterdir())) == 2
