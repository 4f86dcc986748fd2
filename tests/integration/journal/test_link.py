"""A kept connection outlives whatever becomes of it at the server's end, and has one user at a time."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from tasks.journal.link import Link
from tasks.journal.scripts import Call, Script, run_script

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


def rest(link: Any, seconds: float) -> None:
    """Have it be *seconds* ago that the link was used."""
    link._idle = [(connection, time.monotonic() - seconds) for connection, _ in link._idle]  # noqa: SLF001 (or the test would sleep)


def test_a_connection_that_was_closed_while_it_rested_is_made_anew_without_an_error(
    link: Link, redis: Redis
) -> None:
    assert link.call("SET", "key", "1") in {b"OK", "OK"}
    kill(link, redis)
    rest(link, 0.05)  # As long as it takes to start a server again.

    assert link.call("GET", "key") == b"1"


def test_a_connection_that_breaks_in_use_is_an_error_once(link: Link, redis: Redis) -> None:
    kill(link, redis)
    rest(link, -60.0)  # However slow this machine is, it has just been used.

    with pytest.raises(RedisError):
        link.call("GET", "key")
    assert link.call("GET", "key") is None


def test_an_answer_that_is_an_error_is_returned_and_the_next_one_is_its_own(link: Link) -> None:
    assert isinstance(link.call("LPUSH", "only a key"), ResponseError)
    assert link.call("ECHO", "mine") == b"mine"


def test_no_commands_have_no_answers(link: Link) -> None:
    assert link.call_all([]) == []


def test_while_nobody_is_there_each_call_is_an_error() -> None:
    with Redis(host="127.0.0.1", port=1, retry=Retry(NoBackoff(), 0)) as nowhere:
        gone = Link(nowhere)
        for _ in range(2):
            with pytest.raises(RedisError):
                gone.call("PING")


def test_answers_come_in_the_order_of_the_commands_in_whatever_pieces(link: Link) -> None:
    long = "x" * 300_000

    answers = link.call_all([("SET", "long", long), ("GET", "long"), ("LPUSH", "long"), ("ECHO", "last")])

    assert answers[0] == b"OK"
    assert answers[1] == long.encode()
    assert isinstance(answers[2], ResponseError)
    assert answers[3] == b"last"


def test_threads_that_come_one_after_another_use_one_connection(link: Link, redis: Redis) -> None:
    link.call("PING")
    before = redis.info("clients")["connected_clients"]
    for _ in range(5):
        thread = threading.Thread(target=link.call, args=("PING",))
        thread.start()
        thread.join()

    assert redis.info("clients")["connected_clients"] <= before, "other tests' may have been closed"


def test_a_connection_that_somebody_waits_at_is_nobody_elses(link: Link, redis: Redis) -> None:
    link.call("PING")
    answers: list[Any] = []
    waiting = threading.Thread(target=lambda: answers.append(link.call("BLPOP", "list", 5)))
    waiting.start()
    while not redis.info("clients")["blocked_clients"]:
        assert waiting.is_alive()

    assert link.call("ECHO", "mine") == b"mine"
    assert link.call("LPUSH", "list", "theirs") == 1
    waiting.join()
    assert answers == [[b"list", b"theirs"]]


def test_a_process_that_was_forked_makes_connections_of_its_own(
    link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = link.call("CLIENT", "ID")
    monkeypatch.setattr(os, "getpid", lambda: 4711)

    assert link.call("CLIENT", "ID") != before


def test_a_master_that_became_a_replica_is_given_up(link: Link, redis: Redis) -> None:
    before = link.call("CLIENT", "ID")
    redis.replicaof("127.0.0.1", "1")
    try:
        with pytest.raises(RedisError):
            link.call("SET", "key", "1")
        # Sentinels are asked where a connection is made.
        assert link.call("CLIENT", "ID") != before
    finally:
        redis.replicaof("NO", "ONE")


def test_a_server_that_has_forgotten_a_script_is_taught_it_over_the_same_link(
    link: Link, redis: Redis
) -> None:
    """Whoever has a link may have nothing else that does not block."""
    nobody: Any = None
    call = Call(("key",), ("word",))
    for _ in range(2):
        redis.script_flush()
        assert run_script(nobody, Script.of("return ARGV[1]"), [call, call], link=link) == [b"word", b"word"]
