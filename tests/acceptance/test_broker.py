"""The embedded broker as a process."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import pytest
import redis

from worker.broker import LOOPBACK, wait_until_ready

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def port(free_port: Any) -> int:
    return int(free_port())


def test_a_signal_reaches_the_server_and_what_it_held_is_there_again(
    start: Any, port: int, tmp_path: Path
) -> None:
    """Nothing stands between the signal and the server, so that it writes its files and leaves no orphan."""
    arguments = ("worker.broker", "--port", str(port), "--data", str(tmp_path / "data"))
    first = start(*arguments)
    wait_until_ready(port)
    with redis.Redis(port=port) as client:
        client.set("mail", "kept")
    first.send_signal(signal.SIGTERM)

    assert first.wait(10) == 0
    start(*arguments)
    wait_until_ready(port)
    with redis.Redis(port=port, decode_responses=True) as client:
        assert client.get("mail") == "kept"


def test_the_running_server_is_set_up_not_to_lose_mail(valkey_url: str) -> None:
    with redis.Redis.from_url(valkey_url, decode_responses=True) as client:
        settings = client.config_get("appendonly", "appendfsync", "maxmemory-policy", "bind")

    assert settings == {
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "bind": LOOPBACK,
    }


def test_a_second_broker_in_the_same_folder_is_refused_while_the_first_lives(
    start: Any, port: int, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    start("worker.broker", "--port", str(port), "--data", str(tmp_path / "data"))
    wait_until_ready(port)

    assert start("worker.broker", "--port", "1", "--data", str(tmp_path / "data"), log=log).wait(10) == 2
    assert "another broker keeps its files" in log.read_text()
