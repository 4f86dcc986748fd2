"""The gateway as it runs: a process of its own, with a real queue behind it."""

from __future__ import annotations

import signal
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers.gateway import Running, running
from tests.servers.redis_server import free_port
from worker.broker import LOOPBACK, command, wait_until_ready

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


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
