"""The scripts that fetch messages and give them back, on a real server: none is ever in neither place."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import kombu
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis
from redis.exceptions import ResponseError

from worker.trims.scripts import ACKNOWLEDGE, FETCH, GIVE_BACK

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LANES = ("reset", "default", "bulk")
INDEX, UNACKED = "unacked_index", "unacked"
MUCH = 1 << 30


@pytest.fixture
def redis(valkey_url: str) -> Iterator[Redis]:
    with Redis.from_url(valkey_url, decode_responses=True) as client:
        yield client


def texts(lane: str, count: int) -> list[str]:
    return [json.dumps({"lane": lane, "number": number}) for number in range(count)]


def fill(redis: Redis, **counts: int) -> None:
    """Put messages into lanes as producers do: the oldest ends up on the right."""
    for lane, count in counts.items():
        if count:
            redis.lpush(lane, *texts(lane, count))


def fetch(  # noqa: PLR0913 (the script's)
    redis: Redis,
    room: int,
    *,
    extra: int = 0,
    most: int = MUCH,
    lists: Sequence[str] = LANES,
    prefix: str = "t:",
) -> list[list[str]]:
    """Return what was taken, for each lane."""
    keys = (INDEX, UNACKED, *lists)
    found: Any = FETCH.run(redis, keys, [room, extra, most, prefix, len(lists) // 3, *LANES])
    for lane, (left, *_) in zip(LANES, found, strict=True):
        assert left == sum(redis.llen(name) for name in lists if name.startswith(lane))
    return [taken for _, *taken in found]


def counts(redis: Redis, room: int, **options: Any) -> list[int]:
    return [len(taken) for taken in fetch(redis, room, **options)]


def give_back(redis: Redis, *tags: str, after: str = "", most: int | str = "") -> Any:
    return GIVE_BACK.run(redis, (INDEX, UNACKED), (after, most, *tags))


def test_the_oldest_of_a_lane_comes_first_and_what_is_left_is_said(redis: Redis) -> None:
    fill(redis, default=5)

    assert fetch(redis, 3) == [[], texts("default", 3), []]
    assert fetch(redis, 3, prefix="u:") == [[], texts("default", 5)[3:], []]
    assert fetch(redis, 3, prefix="v:") == [[], [], []]


def test_what_is_fetched_stands_among_the_unacknowledged_as_kombu_has_it(redis: Redis) -> None:
    fill(redis, reset=1, bulk=1)
    before = time.time()
    fetch(redis, 9)
    stored = {tag: json.loads(text) for tag, text in redis.hgetall(UNACKED).items()}

    assert stored == {
        "t:1": [{"lane": "reset", "number": 0}, "", "reset"],
        "t:2": [{"lane": "bulk", "number": 0}, "", "bulk"],
    }
    assert all(abs(score - before) < 30 for _, score in redis.zrange(INDEX, 0, -1, withscores=True))
    assert redis.zrange(INDEX, 0, -1) == ["t:1", "t:2"]


def test_with_backlog_in_all_lanes_each_leaves_a_quarter_to_those_behind(redis: Redis) -> None:
    fill(redis, reset=100, default=100, bulk=100)

    assert counts(redis, 16) == [12, 3, 1]


def test_what_a_lane_behind_does_not_need_goes_to_those_before(redis: Redis) -> None:
    fill(redis, reset=100, bulk=1)

    assert counts(redis, 16) == [15, 0, 1]


def test_the_first_lane_has_room_of_its_own_in_a_full_house(redis: Redis) -> None:
    fill(redis, reset=100, default=100)

    assert counts(redis, 0, extra=5) == [5, 0, 0]


def test_the_room_of_the_first_lane_takes_nothing_from_those_behind(redis: Redis) -> None:
    """Or a backlog of resets would keep all other mails out for as long as it lasts."""
    fill(redis, reset=100, default=100, bulk=100)

    assert counts(redis, 16, extra=32) == [44, 3, 1]


def test_bytes_are_bounded_but_one_message_always_comes(redis: Redis) -> None:
    redis.lpush("default", *[json.dumps("x" * 998) for _ in range(10)])

    assert counts(redis, 10, most=2500) == [0, 3, 0]
    assert counts(redis, 10, most=1, prefix="u:") == [0, 1, 0]


def test_lists_of_higher_priority_are_emptied_first(redis: Redis) -> None:
    lists = ["reset", "reset\x06\x163", "default", "default\x06\x163", "bulk", "bulk\x06\x163"]
    redis.lpush("default\x06\x163", '"low"')
    redis.lpush("default", '"high 1"', '"high 2"')

    assert fetch(redis, 2, lists=lists) == [[], ['"high 1"', '"high 2"'], []]
    assert fetch(redis, 2, lists=lists, prefix="u:") == [[], ['"low"'], []]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    waiting=st.tuples(*[st.integers(0, 60)] * 3),
    room=st.integers(0, 120),
    extra=st.integers(0, 40),
)
def test_nothing_is_lost_doubled_starved_or_left_without_need(
    redis: Redis, waiting: tuple[int, int, int], room: int, extra: int
) -> None:
    redis.flushdb()
    fill(redis, **dict(zip(LANES, waiting, strict=True)))
    taken = fetch(redis, room, extra=extra)
    number = [len(each) for each in taken]

    for lane, count, found in zip(LANES, waiting, taken, strict=True):
        assert found + redis.lrange(lane, 0, -1)[::-1] == texts(lane, count)
    assert redis.hlen(UNACKED) == redis.zcard(INDEX) == sum(number) <= room + extra
    if sum(number) < sum(waiting):
        assert sum(number) >= room
    if room >= 16:
        assert all(found for found, count in zip(number, waiting, strict=True) if count)


def test_what_is_given_back_is_next_in_its_queue_in_the_old_order(redis: Redis) -> None:
    fill(redis, default=7, bulk=2)
    before = redis.lrange("default", 0, -1), redis.lrange("bulk", 0, -1)
    fetch(redis, 6)

    assert give_back(redis, *redis.zrange(INDEX, 0, -1)) == 6
    assert (redis.lrange("default", 0, -1), redis.lrange("bulk", 0, -1)) == before
    assert not redis.exists(INDEX, UNACKED)


def test_what_a_dead_worker_had_comes_back_after_the_visibility_timeout_and_no_sooner(redis: Redis) -> None:
    fill(redis, default=4)
    before = redis.lrange("default", 0, -1)
    fetch(redis, 3)
    redis.connection_pool.disconnect()  # Whoever fetched is gone.

    assert give_back(redis, after="5", most=200) == 0
    for tag, score in redis.zrange(INDEX, 0, -1, withscores=True)[:2]:
        redis.zadd(INDEX, {tag: score - 6})
    assert give_back(redis, after="5", most=200) == 2
    assert redis.lrange("default", 0, -1) == [before[0], *before[-2:]]
    assert redis.hlen(UNACKED) == redis.zcard(INDEX) == 1


def test_one_call_gives_back_no_more_than_it_is_told(redis: Redis) -> None:
    fill(redis, default=9)
    fetch(redis, 9)
    for tag in redis.zrange(INDEX, 0, -1):
        redis.zadd(INDEX, {tag: float(tag[2:])})

    assert [give_back(redis, after="5", most=4) for _ in range(4)] == [4, 4, 1, 0]


def test_what_nobody_can_give_back_stays_and_is_in_nobodys_way(redis: Redis) -> None:
    garbage = ["", "no JSON", "[]", '[{"a": 1}, "", 7]', '{"a": 1}', '[{}, "", "a\\"b"]']
    fill(redis, default=1)
    fetch(redis, 1)
    for number, text in enumerate(garbage):
        redis.hset(UNACKED, f"g:{number}", text)
        redis.zadd(INDEX, {f"g:{number}": 1})
    redis.zadd(INDEX, {"t:1": 2, "of nothing": 1})

    assert give_back(redis, after="5", most=200) == 1
    assert redis.lrange("default", 0, -1) == texts("default", 1)
    assert list(redis.hgetall(UNACKED).values()) == garbage
    assert set(redis.zrange(INDEX, 0, -1)) == {f"g:{number}" for number in range(len(garbage))}
    assert give_back(redis, after="5", most=200) == 0, "it is looked at again after as long a time"


def test_what_is_acknowledged_is_forgotten_and_nothing_else_is(redis: Redis) -> None:
    fill(redis, default=2500)
    fetch(redis, 2500)
    ACKNOWLEDGE.run(redis, (INDEX, UNACKED), [f"t:{number}" for number in range(1, 2500)])

    assert redis.zrange(INDEX, 0, -1) == redis.hkeys(UNACKED) == ["t:2500"]


def test_a_redis_without_memory_refuses_to_fetch_and_loses_nothing(redis: Redis) -> None:
    fill(redis, reset=3, default=300)
    before = [redis.lrange(lane, 0, -1) for lane in LANES]
    redis.config_set("maxmemory", "1mb")
    try:
        redis.config_set("maxmemory-policy", "noeviction")
        with pytest.raises(ResponseError, match=r"OOM|maxmemory"):
            fetch(redis, 100)
        assert [redis.lrange(lane, 0, -1) for lane in LANES] == before
        assert not redis.exists(INDEX, UNACKED)
    finally:
        redis.config_set("maxmemory", "0")

    assert sum(counts(redis, 100)) == 100


def publish(connection: kombu.Connection, *bodies: object) -> None:
    for body in bodies:
        connection.Producer().publish(body, routing_key="default", declare=[kombu.Queue("default")])


def test_what_plain_kombu_left_unacknowledged_is_given_back(redis: Redis, valkey_url: str) -> None:
    plain = kombu.Connection(valkey_url)
    publish(plain, {"n": 1}, {"n": '"], "", "other"]'})
    published = [json.loads(text) for text in redis.lrange("default", 0, -1)]
    queue = kombu.Queue("default", channel=plain)
    assert [queue.get().payload for _ in published] == [{"n": 1}, {"n": '"], "", "other"]'}]
    assert redis.hlen(UNACKED) == 2

    assert give_back(redis, *redis.zrange(INDEX, 0, -1)) == 2
    found = [json.loads(text) for text in redis.lrange("default", 0, -1)]
    assert [each["body"] for each in found] == [each["body"] for each in published]
    assert [each["headers"] for each in found] == [each["headers"] for each in published]
    plain.default_channel.qos._delivered.clear()  # noqa: SLF001 (or it would give them back a second time)
    plain.close()


def test_what_the_script_fetched_is_given_back_by_plain_kombu(redis: Redis, valkey_url: str) -> None:
    with kombu.Connection(valkey_url, transport_options={"visibility_timeout": 5}) as plain:
        publish(plain, "first", "second", "third")
        fetch(redis, 2)
        for tag, score in redis.zrange(INDEX, 0, -1, withscores=True):
            redis.zadd(INDEX, {tag: score - 60})
        channel: Any = plain.default_channel
        channel.qos.restore_visible(interval=1)
        queue = kombu.Queue("default", channel=plain)
        found = [queue.get(no_ack=True) for _ in range(3)]

    assert sorted(message.payload for message in found) == ["first", "second", "third"]
    assert not redis.exists(UNACKED)
