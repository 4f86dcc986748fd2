"""Fixtures that every suite may use."""

from __future__ import annotations

import os
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest
import redis

from worker.broker import LOOPBACK, BrokerUnavailable, command, wait_until_ready

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark by which `make faults` and the other targets tell the tests apart."""
    config.addinivalue_line("markers", "faults: kills processes over and over; `make faults` runs it")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real Valkey or Redis server, one for each pytest process."""
    port = _free_port()
    try:
        line = command(port, tmp_path_factory.mktemp("valkey"))
    except BrokerUnavailable as exc:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(exc))
    with subprocess.Popen(line, stdout=subprocess.DEVNULL) as server:  # noqa: S603 - the line is our own
        try:
            wait_until_ready(port)
            yield f"redis://{LOOPBACK}:{port}/0"
        finally:
            server.kill()


@pytest.fixture
def valkey_url(valkey: str) -> str:
    """The URL of a real server that holds nothing."""
    with redis.Redis.from_url(valkey) as client:
        client.flushall()
    return valkey
