"""Messages come through the fetching transport: in order, at once, in groups, and none is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import kombu
import pytest

from tasks.contract.names import Lane
from tasks.journal.quarantine import Quarantine
from tests.integration.worker.trims.counting import UNACKED, calls
from worker.trims import channel, refusals, window

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from tests.integration.worker.trims.conftest import Reader


def test_all_messages_of_all_lanes_come_in_order_and_are_forgotten(
    read: Callable[..., Reader], publish: Callable[..., None], redis: Redis
) -> None:
    for lane in Lane:
        publish(lane, *[f"{lane} {number}" for number in range(150)])
    reader = read()
    reader.turn_until(lambda: len(reader.got) == 450)
    reader.turn_until(lambda: not redis.exists(*UNACKED, *Lane))

    for lane in Lane:
        of_lane = [each for each in reader.payloads if each.startswith(lane)]
        assert of_lane == [f"{lane} {number}" for number in range(150)]


def test_an_idle_consumer_asks_a_few_times_a_second_and_no_more(
    read: Callable[..., Reader], redis: Redis
) -> None:
    reader = read()
    reader.turn_until(reader.is_listening)
    redis.config_resetstat()
    reader.turn_for(2.2)
    called = calls(redis)

    # Each of three bells rings once a second, and has its lane looked at; a script asks for twelve lengths.
    assert called["blmove"] <= 9
    assert called["evalsha"] <= 9
    assert sum(called.values()) <= 200


def test_no_more_is_fetched_than_there_is_room_for_but_a_reset_comes_all_the_same(
    read: Callable[..., Reader], publish: Callable[..., None], redis: Redis
) -> None:
    publish("bulk", *range(20))
    reader = read(acks=False, prefetch=4)
    reader.turn_until(lambda: len(reader.got) == 4)
    publish("reset", "urgent")
    reader.turn_until(lambda: len(reader.got) == 5)

    assert reader.payloads == [0, 1, 2, 3, "urgent"]
    assert redis.llen("bulk") == 16


def test_garbage_is_set_aside_and_what_is_behind_it_comes(
    read: Callable[..., Reader], publish: Callable[..., None], redis: Redis
) -> None:
    garbage = [b"no JSON", b"{}", b"\xff\xfe", b"7", b'"', b"", b'{"properties": {}, "body": 7}']
    for entry in garbage:
        redis.lpush("default", entry)
        publish("default", "sound")
    reader = read()
    reader.turn_until(lambda: len(reader.got) == len(garbage))
    reader.turn_until(lambda: not redis.exists(*UNACKED, "default"))

    kept = Quarantine(redis).entries()
    assert len(kept) == len(garbage)
    assert {each.lane for each in kept} == {"default"}


def test_while_redis_has_no_memory_nothing_is_lost_and_afterwards_it_goes_on(
    read: Callable[..., Reader],
    publish: Callable[..., None],
    redis: Redis,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(refusals, "_REST", 0.05)
    publish("default", *range(5))
    reader = read()
    redis.config_set("maxmemory", "1mb")
    try:
        reader.turn_until(lambda: "nothing fetched, since Redis refused" in caplog.text)
        assert (reader.got, redis.llen("default")) == ([], 5)
    finally:
        redis.config_set("maxmemory", "0")
    reader.turn_until(lambda: reader.payloads == [0, 1, 2, 3, 4])


def test_a_connection_that_is_killed_raises_and_the_next_one_gets_what_it_had(
    read: Callable[..., Reader], publish: Callable[..., None], redis: Redis
) -> None:
    publish("default", *range(3))
    reader = read(acks=False)
    reader.turn_until(lambda: len(reader.got) == 3)
    reader.turn_until(reader.is_listening)
    redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    with pytest.raises(reader.connection.connection_errors):
        reader.turn_until(lambda: False)
    assert redis.hlen("unacked") == 3
    reader.connection.close()

    assert redis.llen("default") == 3
    second = read()
    second.turn_until(lambda: second.payloads == [0, 1, 2])


def test_a_consumer_leaves_most_of_a_burst_to_others_at_first(
    read: Callable[..., Reader], publish: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window, "PAUSE", 30.0)
    monkeypatch.setattr(channel, "PAUSE", 30.0)
    first, second = read(acks=False), read(acks=False)
    publish("bulk", *range(400))

    first.turn_for(0.2)
    second.turn_for(0.2)

    assert len(first.got) == len(second.got) == window.STEP


def test_a_consumer_that_is_through_with_nothing_gets_what_is_behind_it_all_the_same(
    read: Callable[..., Reader], publish: Callable[..., None]
) -> None:
    """Those before may be for a server that hangs; nothing wakes the loop then."""
    publish("bulk", *range(300))
    reader = read(acks=False)

    reader.turn_for(0.7)

    assert reader.payloads == list(range(300))


def test_a_plain_consumer_and_a_fetching_one_share_a_queue(
    read: Callable[..., Reader], publish: Callable[..., None], redis: Redis, valkey_url: str
) -> None:
    publish("default", *range(40))
    reader = read(prefetch=10, acks=False)
    with kombu.Connection(valkey_url) as plain:
        queue = kombu.Queue("default", kombu.Exchange("default"), routing_key="default", channel=plain)
        reader.turn_until(lambda: len(reader.got) == 10)
        others = []
        while message := queue.get():
            message.ack()
            others.append(message.payload)
            if len(others) == 10:
                for each in reader.got:
                    each.ack()
                reader.turn_until(lambda: len(reader.got) == 20)

    assert sorted(reader.payloads + others) == list(range(40))
    reader.turn_until(lambda: redis.hlen("unacked") == 10)
