"""A Redis that answers and refuses costs no connection: it is left in peace for a moment, and told once."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tasks.contract.names import Lane
from tests.servers.redis_server import RedisServer
from worker.trims import refusals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from redis import Redis

    from tests.integration.worker.trims.conftest import Reader


@pytest.fixture
def server(valkey: str, tmp_path: Path) -> Iterator[RedisServer]:  # noqa: ARG001 (it skips)
    """A server whose disk is the test's."""
    with RedisServer(tmp_path / "server") as server:
        yield server


@pytest.fixture
def own_server(server: RedisServer) -> str:
    """The server of all fixtures here."""
    return server.url


def refused(redis: Redis, command: str) -> int:
    """Return how often *command* was refused."""
    stats: Any = redis.info("commandstats")
    return int(stats.get(f"cmdstat_{command}", {}).get("rejected_calls", 0))


@pytest.fixture
def short_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has channels rest for less than a second."""
    monkeypatch.setattr(refusals, "_REST", 0.05)


@pytest.mark.usefixtures("short_rest")
def test_an_idle_consumer_keeps_its_connection_while_there_is_no_memory(
    read: Callable[..., Reader], publish: Callable[..., None], redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    reader = read()
    reader.turn_until(reader.is_listening)
    redis.config_set("maxmemory", "1mb")
    reader.turn_until(lambda: refused(redis, "blmove") >= 9)
    redis.config_set("maxmemory", "0")
    publish("default", "now")
    reader.turn_until(lambda: reader.payloads == ["now"])

    assert caplog.messages.count("nothing heard, since Redis refused") == 1


def test_nothing_is_asked_for_again_before_the_rest_is_over(
    read: Callable[..., Reader], redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "_REST", 60.0)
    reader = read()
    reader.turn_until(reader.is_listening)
    redis.config_set("maxmemory", "1mb")
    reader.turn_until(lambda: refused(redis, "blmove"))
    reader.turn_for(0.5)

    assert refused(redis, "blmove") <= len(Lane), "each bell was under way"


@pytest.mark.usefixtures("short_rest")
def test_what_cannot_be_acknowledged_for_want_of_a_disk_is_acknowledged_later(
    read: Callable[..., Reader],
    publish: Callable[..., None],
    server: RedisServer,
    redis: Redis,
    caplog: pytest.LogCaptureFixture,
) -> None:
    publish("default", *range(3))
    reader = read(acks=False)
    reader.turn_until(lambda: len(reader.got) == 3)
    shutil.rmtree(server.folder)
    redis.bgsave()
    persistence: Any = redis.info
    reader.turn_until(lambda: persistence("persistence")["rdb_last_bgsave_status"] == "err")
    for message in reader.got:
        message.ack()
    reader.turn_until(lambda: refused(redis, "zrem") >= 3)
    assert reader.channel.qos.pending == 3
    redis.config_set("stop-writes-on-bgsave-error", "no")

    reader.turn_until(lambda: not redis.exists("unacked", "unacked_index"))
    assert caplog.messages.count("nothing acknowledged, since Redis refused") == 1


def test_a_master_that_is_none_any_more_is_a_connection_to_be_made_anew(
    read: Callable[..., Reader], redis: Redis
) -> None:
    reader = read()
    reader.turn_until(reader.is_listening)
    redis.replicaof("127.0.0.1", "9")  # type: ignore[no-untyped-call]  # Discard: nobody is there.

    with pytest.raises((*reader.connection.connection_errors, *reader.connection.channel_errors)):
        reader.turn_until(lambda: False)
    redis.replicaof("NO", "ONE")  # type: ignore[no-untyped-call]  # as above
