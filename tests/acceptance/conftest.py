"""Processes under test: started, watched, and never left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest
import redis

from tasks.testing.script import Script
from tasks.testing.server import ScriptedServer
from tests.acceptance.post_office import PostOffice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]


class Start(Protocol):
    """Starts `python -m *arguments*` in a session of its own, with its output in *log*."""

    def __call__(
        self, *arguments: str, log: Path | None = None, **environment: str
    ) -> subprocess.Popen[bytes]: ...


@pytest.fixture
def free_port() -> Callable[[], int]:
    """Return a port of loopback's that nobody listens on."""

    def port() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    return port


@pytest.fixture
def eventually() -> Callable[..., None]:
    """Wait until a condition holds; fail with what was waited for when it does not."""

    def wait(condition: Callable[[], Any], what: str, *, seconds: float = 20.0) -> None:
        last_moment = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > last_moment:
                pytest.fail(f"waited {seconds:g} s in vain: {what}")
            time.sleep(0.05)

    return wait


@pytest.fixture
def office(request: pytest.FixtureRequest, valkey: str, tmp_path: Path) -> Iterator[PostOffice]:
    """A post office with a database of its own; its server follows the script of the test's mark `smtpd`."""
    marker = request.node.get_closest_marker("smtpd")
    broker = valkey.removesuffix("/0") + "/7"
    with redis.Redis.from_url(broker) as client:
        client.flushdb()
    with ScriptedServer(Script(**(marker.kwargs if marker else {}))) as server:
        office = PostOffice(broker, server, tmp_path)
        try:
            yield office
        finally:
            office.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    processes: list[subprocess.Popen[bytes]] = []

    def run(*arguments: str, log: Path | None = None, **environment: str) -> subprocess.Popen[bytes]:
        with (log or tmp_path / f"log.{len(processes)}").open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own modules
                [sys.executable, "-m", *arguments],
                env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **environment},
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        processes.append(process)
        return process

    yield run
    for process in processes:
        # A supervisor's child has a group of its own: ask first, so that nobody is left behind.
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
