"""The gateway as it runs: a process of its own, with a real queue behind it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from producers.web.keyfile import KeyFile
from worker.broker import LOOPBACK, command, wait_until_ready

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[3]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


@dataclass
class Running:
    """A gateway that answers at *url*; *key* may do everything, quickly."""

    url: str
    key: str
    keys: KeyFile
    process: subprocess.Popen[bytes]
    log: Path
    queue: str

    @property
    def address(self) -> tuple[str, int]:
        return LOOPBACK, int(self.url.rpartition(":")[2])

    def client(self, key: str | None = None, **options: Any) -> httpx.Client:
        headers = {"Authorization": f"Bearer {key or self.key}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30.0, **options)

    def lines(self) -> list[dict[str, Any]]:
        """What it has logged about requests."""
        found = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [line for line in found if line["event"] == "request"]

    def threads(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/task"))  # noqa: PTH208 (their number is all)


@contextmanager
def running(folder: Path, queue: str, **settings: str) -> Iterator[Running]:
    port = free_port()
    keys = KeyFile(folder / "keys.json")
    _, token = keys.create(name="shop", rate=100_000.0, burst=100_000, resets=("users", "requests"))
    log = folder / "gateway.log"
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "POSTROOM_BROKER_URL": queue,
        "POSTROOM_WEB_KEYS_FILE": str(keys.path),
        "POSTROOM_WEB_PORT": str(port),
        "POSTROOM_WEB_MAX_WAIT": "2",
        **settings,
    }
    line = [sys.executable, "-m", "producers.cli.main", "web"]
    with (
        log.open("wb") as output,
        subprocess.Popen(line, cwd=folder, env=environment, stdout=output, stderr=output) as process,  # noqa: S603 (our own line)
    ):
        found = Running(f"http://{LOOPBACK}:{port}", str(token), keys, process, log, queue)
        try:
            _wait_until_it_answers(found)
            yield found
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_until_it_answers(found: Running) -> None:
    deadline = time.monotonic() + 40.0
    while True:
        try:
            if httpx.get(f"{found.url}/healthz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        assert found.process.poll() is None, found.log.read_text()
        assert time.monotonic() < deadline, found.log.read_text()
        time.sleep(0.1)


@pytest.fixture(scope="session")
def gateway(valkey: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A gateway with short patience, one for the session."""
    settings = {
        "POSTROOM_WEB_HEAD_TIMEOUT": "1",
        "POSTROOM_WEB_BODY_TIMEOUT": "1",
        "POSTROOM_WEB_MAX_BODY_BYTES": "1000000",
    }
    with running(tmp_path_factory.mktemp("gateway"), valkey, **settings) as found:
        yield found


@pytest.fixture
def start_gateway(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Starts a gateway of the test's own."""
    with ExitStack() as stack:
        yield lambda queue, **settings: stack.enter_context(running(tmp_path, queue, **settings))


@dataclass
class Queue:
    """A broker and journal of the test's own, which may be stopped and killed."""

    url: str
    process: subprocess.Popen[bytes]

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    port = free_port()
    (tmp_path / "queue").mkdir()
    with subprocess.Popen(command(port, tmp_path / "queue"), stdout=subprocess.DEVNULL) as process:  # noqa: S603 (our own line)
        try:
            wait_until_ready(port)
            yield Queue(f"redis://{LOOPBACK}:{port}/0", process)
        finally:
            process.kill()


@pytest.fixture
def mail() -> dict[str, Any]:
    return {"to": "ann@example.org", "subject": "Hello", "body": "How are you?"}
