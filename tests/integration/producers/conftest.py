"""Servers of a test's own."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

import pytest

from tests.servers.redis_server import RedisServer

if TYPE_CHECKING:
    from collections.abc import Iterator
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
