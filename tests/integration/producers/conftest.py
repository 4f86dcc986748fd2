"""Servers of a test's own."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

import pytest
import redis

from tests.servers.gateway import Running, running
from tests.servers.redis_server import RedisServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class NewRedis(Protocol):
    """Starts a Redis of the test's own."""

    def __call__(self, *options: str) -> RedisServer: ...


@pytest.fixture
def new_redis(tmp_path: Path) -> Iterator[NewRedis]:
    """Start Redis servers that the test may ill-treat."""
    with ExitStack() as servers:
        count = iter(range(10))

        def new(*options: str) -> RedisServer:
            return servers.enter_context(RedisServer(tmp_path / f"redis.{next(count)}", *options))

        yield new


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A gateway whose key may do everything, quickly, over a server that other tests do not count on."""
    with (
        RedisServer(tmp_path_factory.mktemp("queue")) as server,
        running(tmp_path_factory.mktemp("gateway"), server.url) as found,
    ):
        yield found


@pytest.fixture
def queue_url(gateway: Running) -> str:
    """The URL of the gateway's queue, which holds nothing."""
    with redis.Redis.from_url(gateway.queue) as client:
        client.flushall()
    return gateway.queue


@pytest.fixture
def start_gateway(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Start gateways of the test's own."""
    with ExitStack() as stack:
        yield lambda queue, **settings: stack.enter_context(running(tmp_path, queue, **settings))
