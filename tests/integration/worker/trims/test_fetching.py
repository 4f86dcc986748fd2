"""Messages come through the fetching transport: in order, at once, in groups, and none is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import kombu
import pytest

from tasks.contract.names import Lane
from tasks.journal.quarantine import Quarantine
from worker.envelopes import Flaw
from worker.trims import channel, qos, refusals, window
from worker.trims.channel import Fetched

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from tests.integration.worker.trims.conftest import Reader

UNACKED = ("unacked", "unacked_index")


def calls(redis: Redis) -> dict[str, int]:
    """Return how often each command was called since the last reset, those of scripts included."""
    stats: Any = redis.info("commandstats")
    return {name.removeprefix("cmdstat_"): each["calls"] for name, each in stats.items()}


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


def test_acknowledgements_go_in_groups(
    read: Callable[..., Reader], publish: Callable[..., None], redis: Redis
) -> None:
    publish("default", *range(300))
    reader = read()
    reader.turn_until(reader.is_listening)
    redis.config_resetstat()
    publish("default", *range(300))
    reader.turn_until(lambda: len(reader.got) == 600)
    reader.turn_until(lambda: not redis.exists(*UNACKED))
    called = calls(redis)

    # A publication is one LPUSH; what the consumer adds is a few commands for dozens of messages.
    assert called["lpush"] == 300
    assert called["zrem"] + called["hdel"] <= 60


def test_an_acknowledgement_waits_a_moment_for_others(
    read: Callable[..., Reader], publish: Callable[..., None], redis: Redis
) -> None:
    publish("default", *range(40))
    reader = read(acks=False)
    reader.turn_until(lambda: len(reader.got) == 40)
    redis.config_resetstat()
    for message in reader.got:
        message.ack()
        reader.channel.serve()  # What a turn of the loop does.
    reader.turn_until(lambda: not redis.exists(*UNACKED))

    assert calls(redis)["zrem"] <= 20


def test_what_was_not_acknowledged_goes_back_in_order_when_the_consumer_ends(
    read: Callable[..., Reader], publish: Callable[..., None], redis: Redis
) -> None:
    publish("default", *range(10))
    before = redis.lrange("default", 0, -1)
    reader = read(acks=False)
    reader.turn_until(lambda: len(reader.got) == 10)
    for message in reader.got[:3]:
        message.ack()
    assert not redis.exists("default")
    reader.connection.close()

    assert [entry[:60] for entry in redis.lrange("default", 0, -1)] == [entry[:60] for entry in before[:7]]
    assert not redis.exists(*UNACKED)


def test_what_was_acknowledged_last_is_forgotten_although_nothing_else_is_left(
    read: Callable[..., Reader], publish: Callable[..., None], redis: Redis
) -> None:
    publish("default", *range(3))
    reader = read(acks=False)
    reader.turn_until(lambda: len(reader.got) == 3)
    for message in reader.got:
        message.ack()
    assert redis.hlen("unacked") == 3, "the acknowledgements wait for others"
    reader.connection.close()

    assert not redis.exists("default", *UNACKED)


class Away:
    """A script whose Redis is away."""

    def run(self, *_: Any) -> None:
        raise ConnectionError


def test_what_a_broken_connection_could_not_acknowledge_is_acknowledged_over_the_next(
    read: Callable[..., Reader], publish: Callable[..., None], redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish("default", *range(3))
    reader = read(acks=False)
    reader.turn_until(lambda: len(reader.got) == 3)
    for message in reader.got[:2]:
        message.ack()
    with monkeypatch.context() as patched:
        patched.setattr(qos, "ACKNOWLEDGE", Away())
        with pytest.raises(ConnectionError):
            reader.channel.qos.flush()
    reader.connection.close()

    assert redis.llen("default") == 1
    assert not redis.exists(*UNACKED)


def test_a_redis_that_is_away_keeps_no_channel_from_closing(
    read: Callable[..., Reader], publish: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    publish("default", 1)
    reader = read(acks=False)
    reader.turn_until(lambda: reader.got)
    reader.got[0].ack()
    monkeypatch.setattr(qos, "ACKNOWLEDGE", Away())
    reader.connection.close()

    assert reader.channel.closed


def test_a_message_that_is_rejected_comes_again_and_is_next(
    read: Callable[..., Reader], publish: Callable[..., None], redis: Redis
) -> None:
    publish("default", 1, 2, 3)
    reader = read(acks=False, prefetch=1)
    reader.turn_until(lambda: reader.got)
    reader.got[0].requeue()
    assert not reader.channel.qos._delivered  # noqa: SLF001 (or it would be given back once more)
    reader.turn_until(lambda: len(reader.got) == 2)
    reader.got[1].reject()
    reader.turn_until(lambda: len(reader.got) == 3)

    assert reader.payloads == [1, 1, 2]
    reader.turn_until(lambda: redis.hlen("unacked") == 1)


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


def test_what_was_taken_is_acknowledged_although_no_queue_is_consumed_any_more(
    read: Callable[..., Reader], publish: Callable[..., None], redis: Redis
) -> None:
    publish("default", *range(3))
    reader = read(acks=False)
    reader.turn_until(lambda: len(reader.got) == 3)
    reader.consumer.cancel()
    for message in reader.got:
        message.ack()

    reader.turn_until(lambda: not redis.exists(*UNACKED))


def test_a_message_that_nobody_acknowledges_is_done_with_when_it_was_delivered(
    read: Callable[..., Reader], publish: Callable[..., None], redis: Redis
) -> None:
    """As neighbours' answers at a worker's start, which kombu consumes so, and which would stay for ever."""
    reader = read(acks=False)
    reader.consumer.cancel()
    reader.consumer.no_ack = True
    reader.consumer.consume()
    publish("default", 1)

    reader.turn_until(lambda: reader.payloads == [1])
    reader.turn_until(lambda: not redis.exists(*UNACKED))


def test_what_takes_the_short_cut_becomes_no_message_and_is_acknowledged_or_given_back_all_the_same(
    read: Callable[..., Reader], publish: Callable[..., None], redis: Redis
) -> None:
    publish("default", *range(4))
    reader = read()
    taken: list[Fetched] = []

    def take_even(fetched: list[Fetched]) -> list[Fetched]:
        even = [each for each in fetched if reader.channel.message_of(each).payload % 2 == 0]
        taken.extend(even)
        return [each for each in fetched if each not in even]

    reader.channel.short_cut = take_even
    reader.turn_until(lambda: taken)
    reader.channel.basic_ack(taken[0].tag)
    reader.turn_until(lambda: redis.hlen("unacked") == 1)
    again = redis.hvals("unacked")
    assert list(reader.channel.qos._delivered) == [taken[1].tag]  # noqa: SLF001 (what is not acknowledged)
    reader.connection.close()

    assert reader.payloads == [1, 3]
    assert len(taken) == 2
    assert b"[" + redis.lrange("default", 0, -1)[0] + b', "", "default"]' == again[0]
    assert not redis.exists(*UNACKED)


def test_a_message_that_is_made_afterwards_is_acknowledged_by_its_tag(
    read: Callable[..., Reader], publish: Callable[..., None], redis: Redis
) -> None:
    publish("bulk", "late")
    reader = read()
    taken: list[Fetched] = []

    def take_all(fetched: list[Fetched]) -> list[Fetched]:
        taken.extend(fetched)
        return []

    reader.channel.short_cut = take_all
    reader.turn_until(lambda: taken)
    message = reader.channel.message_of(taken[0])

    assert (message.payload, message.delivery_info["routing_key"]) == ("late", "bulk")
    message.ack()
    reader.turn_until(lambda: not redis.exists(*UNACKED))
    with pytest.raises(Flaw):
        reader.channel.message_of(Fetched("t", "bulk", b"nonsense"))
