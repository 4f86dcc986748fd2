"""Messages are acknowledged in groups, and given back where they were not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.worker.trims.counting import UNACKED, calls
from worker.envelopes import Flaw
from worker.trims import qos
from worker.trims.channel import Fetched

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from tests.integration.worker.trims.conftest import Reader


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
