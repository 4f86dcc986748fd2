"""A thread's kept connection outlives whatever becomes of it at the server's end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from tasks.journal.link import Link

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def redis(valkey_url: str) -> Iterator[Redis]:
    with Redis.from_url(valkey_url) as client:
        yield client


@pytest.fixture
def link(valkey_url: str) -> Iterator[Link]:
    with Redis.from_url(valkey_url) as client:
        yield Link(client)


def kill(link: Link, redis: Redis) -> None:
    """Have the server close the connection of *link*."""
    assert redis.client_kill_filter(_id=str(link.call("CLIENT", "ID"))) == 1


def rest(link: Any) -> None:
    """Have it be some time ago that the link was used."""
    link._own.used_at = time.monotonic() - 60.0  # noqa: SLF001 (or the test would sleep)


def test_a_connection_that_was_closed_while_it_rested_is_made_anew_without_an_error(
    link: Link, redis: Redis
) -> None:
    assert link.call("SET", "key", "1") in {b"OK", "OK"}
    kill(link, redis)
    rest(link)

    assert link.call("GET", "key") == b"1"


def test_a_connection_that_breaks_in_use_is_an_error_once(link: Link, redis: Redis) -> None:
    kill(link, redis)

    with pytest.raises(RedisError):
        link.call("GET", "key")
    assert link.call("GET", "key") is None


def test_an_answer_that_is_an_error_is_returned_and_the_next_one_is_its_own(link: Link) -> None:
    assert isinstance(link.call("LPUSH", "only a key"), ResponseError)
    assert link.call("ECHO", "mine") == b"mine"


def test_while_nobody_is_there_each_call_is_an_error() -> None:
    with Redis(host="127.0.0.1", port=1, retry=Retry(NoBackoff(), 0)) as nowhere:
        gone = Link(nowhere)
        for _ in range(2):
            with pytest.raises(RedisError):
                gone.call("PING")
