"""Fibers share a connection to Redis; each gets its own answer, or hears that the connection broke."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ReadOnlyError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisLate
from redis.retry import Retry

from tasks import loops
from tests.fibers import LONG, carry
from tests.servers.redis_server import RedisServer
from worker.fibers.link import SharedLink

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def redis(valkey_url: str) -> Iterator[Redis]:
    with Redis.from_url(valkey_url) as client:
        yield client


@pytest.fixture
def link(redis: Redis) -> SharedLink:
    return SharedLink(redis)


def test_each_fiber_gets_its_own_answers_over_one_connection(link: SharedLink, redis: Redis) -> None:
    before = redis.info("stats")["total_connections_received"]
    heard: dict[int, list[Any]] = {number: [] for number in range(20)}

    def ask(number: int) -> None:
        for turn in range(10):
            heard[number].append(link.call("ECHO", f"{number}.{turn}"))

    carry(*[lambda number=number: ask(number) for number in heard])

    assert heard == {number: [f"{number}.{turn}".encode() for turn in range(10)] for number in heard}
    assert redis.info("stats")["total_connections_received"] - before <= 1


def test_the_server_works_while_another_fiber_does(link: SharedLink, redis: Redis) -> None:
    redis.delete("asked")
    seen: list[bool] = []

    def compute() -> bool:
        """Give way to nobody, for as long as it takes."""
        deadline = time.monotonic() + LONG / 2
        while not redis.exists("asked") and time.monotonic() < deadline:
            pass
        return bool(redis.exists("asked"))

    def work() -> None:
        loop: Any = loops.current()
        link.call("ECHO", "connected")
        computed = loop.wait_for(LONG)
        loop.spawn(lambda: link.call("SET", "asked", "1"))
        loop.spawn(lambda: loop.wake(computed, compute()))
        seen.append(loop.park())

    carry(work)

    assert seen == [True]


def test_an_answer_that_is_an_error_is_its_askers_only(link: SharedLink) -> None:
    heard: list[Any] = []
    carry(
        lambda: heard.append(link.call("LPUSH", "only a key")), lambda: heard.append(link.call("ECHO", "x"))
    )

    assert isinstance(heard[0], ResponseError)
    assert heard[1] == b"x"


def test_much_goes_out_and_comes_back_whole(link: SharedLink) -> None:
    much = b"x" * 5_000_000

    def ask() -> None:
        assert link.call("ECHO", much) == much

    carry(*[ask] * 4)


def test_a_connection_that_breaks_is_an_error_for_all_who_wait_and_the_next_one_is_made(
    link: SharedLink, redis: Redis
) -> None:
    errors: list[RedisError] = []

    def wait_in_vain() -> None:
        with pytest.raises(RedisError) as caught:
            link.call("BLPOP", "nothing", 0)
        errors.append(caught.value)
        assert link.call("ECHO", "again") == b"again"

    def cut() -> None:
        with pytest.raises(RedisError) as caught:
            link.call("CLIENT", "ID")  # It waits behind the other.
        errors.append(caught.value)

    killer = threading.Timer(0.2, lambda: redis.client_kill_filter(_type="normal", skipme=True))
    killer.start()
    carry(wait_in_vain, cut)
    killer.join()

    assert len(errors) == 2


def test_a_connection_closed_at_rest_costs_no_error(link: SharedLink, redis: Redis) -> None:
    loop_pause = threading.Event()

    def use() -> None:
        number = link.call("CLIENT", "ID")
        redis.client_kill_filter(_id=str(number))
        link._line.loop.sleep(0.1)  # type: ignore[union-attr]  # noqa: SLF001 (the loop hears of it meanwhile)
        assert link.call("ECHO", "anew") == b"anew"
        loop_pause.set()

    carry(use)

    assert loop_pause.is_set()


def test_a_server_that_does_not_answer_is_given_up_at_the_clients_time(tmp_path: Path) -> None:
    with (
        RedisServer(tmp_path) as server,
        Redis(port=server.port, socket_timeout=0.3, retry=Retry(NoBackoff(), 0)) as client,
    ):
        link = SharedLink(client)

        def ask() -> None:
            assert link.call("PING") in {b"PONG", "PONG"}
            server.freeze()
            with pytest.raises(RedisLate):
                link.call("PING")
            server.thaw()
            assert link.call("ECHO", "back") == b"back"

        carry(ask)


def test_a_connection_that_comes_too_late_takes_no_answers_away(
    valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a Redis that hung two may come at once: the one that was given up, and the one after it."""
    gates = [threading.Event(), threading.Event()]
    left = iter(gates)
    heard: dict[str, Any] = {}
    with Redis.from_url(valkey_url, socket_timeout=1.0) as client:
        link = SharedLink(client)
        connect = client.connection_pool.get_connection

        def hang() -> Any:
            next(left).wait(LONG)
            return connect()

        monkeypatch.setattr(client.connection_pool, "get_connection", hang)

        def ask() -> None:
            with pytest.raises(RedisLate):
                link.call("ECHO", "given up")
            heard["slow"] = link.call("BLPOP", "nothing", 0.4)

        def ask_another() -> None:
            loops.sleep(1.1)
            gates[0].set()
            loops.sleep(0.2)
            gates[1].set()
            loops.sleep(0.1)
            heard["quick"] = link.call("ECHO", "x")

        carry(ask, ask_another)

    assert heard == {"slow": None, "quick": b"x"}


def test_a_server_that_has_become_a_replica_is_left(tmp_path: Path) -> None:
    """There may be another master by now, whom the next connection finds."""
    with RedisServer(tmp_path) as server, Redis(port=server.port) as client:
        link = SharedLink(client)

        def ask() -> None:
            first = link.call("CLIENT", "ID")
            client.replicaof("127.0.0.1", 1)
            with pytest.raises(ReadOnlyError):
                link.call("SET", "key", "1")
            client.replicaof("NO", "ONE")
            assert link.call("CLIENT", "ID") != first

        carry(ask)


def test_while_nobody_is_there_each_call_is_an_error() -> None:
    with Redis(host="127.0.0.1", port=1, retry=Retry(NoBackoff(), 0)) as nowhere:
        gone = SharedLink(nowhere)

        def ask() -> None:
            for _ in range(2):
                with pytest.raises(RedisError):
                    gone.call("PING")

        carry(ask, ask)


def test_a_thread_without_a_loop_has_a_connection_of_its_own(link: SharedLink) -> None:
    assert link.call("ECHO", "plain") == b"plain"


def test_commands_that_are_asked_together_are_answered_together(link: SharedLink) -> None:
    heard: list[Any] = []
    carry(
        lambda: heard.append(link.call_all([("ECHO", "a"), ("LPUSH", "only a key"), ("ECHO", "b")])),
        lambda: heard.append(link.call("ECHO", "c")),
    )

    assert (heard[0][0], heard[0][2], heard[1]) == (b"a", b"b", b"c")
    assert isinstance(heard[0][1], ResponseError)
