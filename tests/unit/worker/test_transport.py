"""The transports are kombu's but for the sieve."""

from __future__ import annotations

import hashlib
import inspect
import json
from typing import Any, cast

import pytest
from kombu.transport import get_transport_cls, memory, redis

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


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("redis://", "redis"),
        ("rediss://h/1", "rediss"),
        ("redis+socket:///tmp/r", "redis"),
        ("sentinel://h:1;sentinel://h:2/0?master_name=m", "sentinel"),
    ],
    ids=["redis", "tls", "socket", "sentinels"],
)
def test_every_kind_of_redis_is_sifted_under_its_own_name(url: str, name: str) -> None:
    connection: Any = QueueApp(url, sieve=SIEVE).connection_for_read()

    for found in (connection, connection.clone()):
        transport = found.get_transport_cls()
        assert issubclass(transport, get_transport_cls(name))
        assert issubclass(transport.Channel, SiftingChannel)
        assert transport.Channel.sieve is SIEVE
        assert json.dumps(found.info())
        assert found.info()["transport"] == name


def test_after_a_failover_entries_are_still_sifted() -> None:
    connection: Any = QueueApp("redis://one;redis://two", sieve=SIEVE).connection_for_read()
    connection.maybe_switch_next()

    assert connection.hostname == "two"
    assert issubclass(connection.get_transport_cls().Channel, SiftingChannel)


def test_a_connection_to_sentinels_still_finds_its_master_with_them() -> None:
    assert issubclass(sifting(redis.SentinelTransport, SIEVE).Channel, redis.SentinelChannel)


def test_the_class_is_made_once() -> None:
    assert sifting(redis.Transport, SIEVE) is sifting(redis.Transport, SIEVE)


def test_other_transports_stay_as_they_are() -> None:
    assert sifting(memory.Transport, SIEVE) is memory.Transport


def test_what_only_publishes_needs_no_sieve() -> None:
    connection: Any = QueueApp("redis://").connection_for_read()

    assert connection.get_transport_cls() is redis.Transport
