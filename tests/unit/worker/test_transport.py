"""The transports are kombu's but for the sieve."""

from __future__ import annotations

import hashlib
import inspect
from typing import Any, cast

import pytest
from kombu import Connection
from kombu.transport import memory, redis

from worker.queue import QueueApp
from worker.transport import SiftingChannel, sifting

SIEVE = cast("Any", object())

#: What `worker.transport` repeats of kombu, as it was when it was written: look at it again where this fails.
REPEATED = {
    "_brpop_read": "c42518699709f2df",
    "_get": "be26a9f1eb4cf8da",
}


@pytest.mark.parametrize("name", REPEATED)
def test_what_is_repeated_of_kombu_is_still_the_same(name: str) -> None:
    source = inspect.getsource(getattr(redis.Channel, name))

    assert hashlib.sha256(source.encode()).hexdigest()[:16] == REPEATED[name]


@pytest.mark.parametrize("url", ["redis://", "rediss://h/1", "redis+socket:///tmp/r", "sentinel://h:1"])
def test_every_kind_of_redis_is_sifted(url: str) -> None:
    app = QueueApp(url, sieve=SIEVE)
    transport = cast("Any", app.connection_for_read()).get_transport_cls()

    assert issubclass(transport, redis.Transport)
    assert issubclass(transport.Channel, SiftingChannel)
    assert transport.Channel.sieve is SIEVE


def test_a_connection_to_sentinels_still_finds_its_master_with_them() -> None:
    assert issubclass(sifting("sentinel", SIEVE), redis.SentinelTransport)
    assert issubclass(sifting("sentinel", SIEVE).Channel, redis.SentinelChannel)


def test_nothing_is_sifted_twice() -> None:
    once = sifting("redis", SIEVE)

    assert sifting(once, SIEVE) is once


def test_other_transports_stay_as_they_are() -> None:
    assert sifting("memory", SIEVE) is memory.Transport


def test_what_only_publishes_needs_no_sieve() -> None:
    connection = QueueApp("redis://").connection_for_read()

    assert isinstance(connection, Connection)
    assert cast("Any", connection).get_transport_cls() is redis.Transport
