"""A worker that no longer consumes is ended; one that is busy, idle or cut off from Redis is not."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import fakeredis
import pytest
from celery import Celery, bootsteps
from celery.worker import state
from redis.exceptions import ConnectionError as RedisAway

from worker import watchdog
from worker.pulse import Pulse, has_room, is_running, lanes
from worker.watchdog import Look, Suspicion, Watchdog

PAUSE = 5.0


def suspicions(looks: list[Look], *, after: float = PAUSE) -> list[str | None]:
    suspicion = Suspicion(patience=60.0, pause=PAUSE)
    return [suspicion.note(look, after=after) for look in looks]


def looks(count: int = 20, **still: int) -> list[Look]:
    """Looks at a consumer that turns, takes messages, has room and has messages waiting; but for *still*."""
    moving = [{"turns": n, "taken": n, "has_room": True, "waiting": 5} for n in range(count)]
    return [Look(**cast("Any", {**look, **still})) for look in moving]


def test_a_loop_that_does_not_turn_for_a_minute_is_noticed_then() -> None:
    found = suspicions(looks(turns=7))

    assert found[:12] == [None] * 12
    assert found[12] == "its loop has not turned"


def test_messages_that_are_not_taken_for_a_minute_are_noticed_then() -> None:
    found = suspicions(looks(taken=7))

    assert found[:12] == [None] * 12
    assert found[12] == "messages wait, there is room for them, and it takes none"


@pytest.mark.parametrize(
    "still",
    [{}, {"taken": 7, "waiting": 0}, {"taken": 7, "has_room": 0}],
    ids=["at work", "queue empty", "all slots busy"],
)
def test_a_worker_that_is_well_is_left_alone(still: dict[str, int]) -> None:
    assert set(suspicions(looks(**still))) == {None}


def test_one_turn_in_a_minute_is_enough() -> None:
    seen = [*looks(12, turns=7), *looks(12, turns=8)]

    assert set(suspicions(seen)) == {None}


def test_time_that_was_not_watched_does_not_count() -> None:
    """After SIGSTOP and SIGCONT the watchdog may wake before the loop does."""
    assert set(suspicions(looks(turns=7, taken=7), after=100.0)) == {None}


@dataclass
class Consumer:
    """What is looked at of Celery's consumer."""

    pulse: Pulse = field(default_factory=Pulse)
    qos: Any = field(default_factory=lambda: SimpleNamespace(value=4))
    task_buckets: dict[str, Any] = field(default_factory=dict)
    task_consumer: Any = None
    blueprint: Any = field(default_factory=lambda: SimpleNamespace(state=cast("Any", bootsteps).RUN))
    hub: Any = None


class Queues:
    """Celery's consumer of two queues, of which one was cancelled."""

    queues = (SimpleNamespace(name="default"), SimpleNamespace(name="bulk"))

    def consuming_from(self, name: str) -> bool:
        return name == "default"


def watch(consumer: Consumer, ended: list[str], redis: Any = None) -> Watchdog:
    """A watchdog whose looks are two seconds apart."""
    times = iter(range(0, 1000, 2))
    return Watchdog(
        app=Celery("test", broker="memory://", set_as_current=False),
        redis=redis or fakeredis.FakeRedis(),
        consumer=consumer,
        patience=24.0,
        end=lambda why, _: ended.append(why),
        clock=lambda: float(next(times)),
    )


def test_a_frozen_loop_is_ended() -> None:
    ended: list[str] = []
    dog = watch(Consumer(), ended)
    for _ in range(14):
        dog.look()

    assert ended
    assert set(ended) == {"its loop has not turned"}


def test_nothing_is_ended_while_redis_is_away() -> None:
    class Away:
        def set(self, *_: Any, **__: Any) -> None:
            raise RedisAway

    ended: list[str] = []
    dog = watch(Consumer(), ended, Away())
    for _ in range(30):
        dog.look()

    assert ended == []


def test_a_look_that_goes_wrong_in_any_way_is_not_the_last(caplog: pytest.LogCaptureFixture) -> None:
    ended: list[str] = []
    dog = watch(Consumer(), ended)
    consumer, dog.consumer = dog.consumer, None
    dog.look()
    dog.consumer = consumer
    for _ in range(14):
        dog.look()

    assert "not watched" in caplog.text
    assert set(ended) == {"its loop has not turned"}


def test_the_time_before_an_outage_does_not_count_after_it() -> None:
    ended: list[str] = []
    dog = watch(Consumer(), ended)
    for _ in range(12):
        dog.look()
    dog.redis = cast("Any", None)
    dog.consumer.blueprint.state = None
    dog.look()
    dog.redis = fakeredis.FakeRedis()
    dog.consumer.blueprint.state = cast("Any", bootsteps).RUN
    for _ in range(12):
        dog.look()

    assert ended == []


@pytest.mark.parametrize("flag", ["should_stop", "should_terminate"])
def test_a_worker_that_is_told_to_stop_may_take_its_time(flag: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, flag, 0)

    assert not is_running(Consumer())


def test_once_it_is_stopped_it_ends_nothing() -> None:
    ended: list[str] = []
    dog = watch(Consumer(), ended)
    dog.stop()
    for _ in range(30):
        dog.look()

    assert ended == []


def test_room_is_what_the_prefetch_limit_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "reserved_requests", {1, 2, 3})
    monkeypatch.setattr(state, "scheduled_requests", set())

    assert has_room(Consumer())
    monkeypatch.setattr(state, "scheduled_requests", {4})
    assert not has_room(Consumer())
    assert has_room(Consumer(qos=SimpleNamespace(value=0)))


def test_a_rate_limit_that_holds_messages_up_is_no_stall() -> None:
    waiting = SimpleNamespace(contents=[object()])

    assert not has_room(Consumer(task_buckets={"t": waiting, "u": None}))


def test_only_queues_that_are_consumed_count() -> None:
    assert lanes(Consumer(task_consumer=Queues())) == ["default"]
    assert lanes(Consumer()) == []


def test_each_turn_of_kombus_loop_is_noted() -> None:
    consumer = Consumer(hub=SimpleNamespace(on_tick=set()))

    def loop(found: Consumer, argument: str) -> str:
        for turn in found.hub.on_tick:
            turn()
        return argument

    assert consumer.pulse.turning(loop)(consumer, "given") == "given"
    assert consumer.pulse.turns == 1


def test_the_end_is_clean_first_and_sure_then(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    steps: list[object] = []
    monkeypatch.setattr(watchdog.time, "sleep", lambda seconds: steps.append((seconds, state.should_stop)))
    monkeypatch.setattr(watchdog.os, "_exit", steps.append)
    monkeypatch.setattr(state, "should_stop", None)

    cast("Any", watchdog.end)("its loop has not turned", 60.0)

    assert steps == [(15.0, 1), 1]
    assert [record.levelno for record in caplog.records] == [logging.CRITICAL]
    assert vars(caplog.records[0])["why"] == "its loop has not turned"
