"""Whose turn it is: lanes in their order but none starves, ways in turn, and fair shares."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from worker.dispatch.waiting import PATIENCE, Turn, Waiting

LANES = ("reset", "default", "bulk")


def waiting(*, connections: int = 8, **exceptions: int) -> Waiting[str]:
    return Waiting(lanes=LANES, connections=connections, exceptions=exceptions)


def put(where: Waiting[str], count: int, *, way: str = "way", lane: str = "default") -> None:
    for number in range(count):
        where.put(way, lane, f"{way} {number}")


def take(where: Waiting[str], senders: int = 32) -> Turn[str]:
    turn = where.take(senders)
    assert turn is not None
    return turn


def learn(where: Waiting[str], pace: float, *, way: str = "way") -> None:
    """Have it seen that mails of *way* take *pace* seconds each."""
    where.put(way, "reset", "first")
    where.done(take(where), pace)


def test_lanes_go_in_order_and_one_that_was_passed_over_four_times_goes_before() -> None:
    where = waiting()
    for lane in LANES:
        for number in range(12):
            where.put(f"{lane} {number}", lane, "item")
    order = []
    for _ in range(12):
        turn = take(where)
        where.done(turn, 0.1)
        order.append(turn.lane)

    assert order == [*["reset"] * 4, "bulk", "default", *["reset"] * 3, "bulk", "default", "reset"]


def test_the_ways_of_a_lane_have_their_turns_one_after_the_other() -> None:
    where = waiting(connections=1000)
    for way in "abc":
        put(where, 3, way=way)

    assert [take(where).way for _ in range(9)] == [*"abc", *"abc", *"abc"]


def test_a_way_that_comes_later_waits_no_longer_than_one_turn_of_each_other() -> None:
    where = waiting(connections=1000)
    put(where, 9, way="a")
    put(where, 9, way="b")
    take(where)
    put(where, 1, way="late")

    assert [take(where).way for _ in range(3)] == ["b", "a", "late"]


def test_a_way_is_carried_by_as_many_as_there_are_connections_and_the_others_go_on() -> None:
    where = waiting(connections=2)
    put(where, 100, way="a")
    first, second = take(where), take(where)
    assert where.take(32) is None
    put(where, 1, way="b", lane="bulk")

    assert take(where).way == "b"
    where.done(first, 0.1)
    assert take(where).way == second.way == "a"


@pytest.mark.parametrize(
    ("count", "connections", "senders", "share"),
    [
        (1, 8, 32, 1),
        (7, 8, 32, 1),
        (8, 8, 32, 2),
        (100, 8, 32, 13),
        (100, 8, 2, 50),
        (1000, 8, 32, 50),
        (3, 1, 1, 3),
    ],
)
def test_a_turn_is_a_fair_share_of_what_waits(count: int, connections: int, senders: int, share: int) -> None:
    where = waiting(connections=connections)
    learn(where, 0.001)
    put(where, count)

    assert len(take(where, senders).items) == share


@pytest.mark.parametrize(
    ("pace", "share"), [(0.01, 50), (0.05, 20), (0.1, 10), (0.4, 2), (60.0, 1), (0.0, 50)]
)
def test_a_turn_is_no_more_than_the_server_lets_through_in_a_second(pace: float, share: int) -> None:
    where = waiting()
    learn(where, pace)
    put(where, 1000)

    assert len(take(where).items) == share


def test_the_pace_of_one_way_says_nothing_of_another() -> None:
    where = waiting()
    learn(where, 60.0, way="slow")
    learn(where, 0.001, way="quick")
    put(where, 1000, way="quick")

    assert len(take(where).items) == 50


def test_a_server_that_nobody_has_spoken_to_gets_short_turns_at_first() -> None:
    where = waiting()
    put(where, 1000)

    assert len(take(where).items) == 10


def test_exceptions_have_turns_of_one_item_and_a_number_of_their_own() -> None:
    where = waiting(connections=8, suspects=1)
    put(where, 5, way="suspects")
    turn = take(where)

    assert turn.items == ["suspects 0"]
    assert where.take(32) is None
    where.done(turn, 0.0)
    assert take(where).items == ["suspects 1"]


def test_what_had_its_turn_before_goes_first_and_what_is_removed_goes_never() -> None:
    where = waiting(connections=1)
    put(where, 3)
    where.put_first("way", "default", "again")
    where.put("other", "bulk", "unwanted")

    assert where.remove(lambda item: item in {"unwanted", "way 1"}) == ["way 1", "unwanted"]
    assert take(where, 1).items == ["again", "way 0", "way 2"]
    assert where.by_lane() == {"reset": 0, "default": 0, "bulk": 0}
    assert len(where) == 0


def test_what_is_remembered_of_ways_is_bounded() -> None:
    where = waiting()
    for number in range(2500):
        learn(where, 0.1, way=f"way {number}")

    assert len(where._pace) <= 1000  # noqa: SLF001 (it shows nowhere else)
    assert not where._busy  # noqa: SLF001 (as above)


class Model(RuleBasedStateMachine):
    """Whatever comes and goes: nothing is lost, doubled or overtaken, and no lane starves."""

    def __init__(self) -> None:
        super().__init__()
        self.where: Waiting[int] = Waiting(lanes=LANES, connections=2, exceptions={"alone": 1})
        self.model: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        self.under_way: list[Turn[int]] = []
        self.number = 0
        self.passed: Counter[str] = Counter()

    def is_open(self, way: str) -> bool:
        return sum(turn.way == way for turn in self.under_way) < (1 if way == "alone" else 2)

    def open_lanes(self) -> set[str]:
        return {lane for (lane, way), items in self.model.items() if items and self.is_open(way)}

    @rule(lane=st.sampled_from(LANES), way=st.sampled_from(["a", "b", "alone"]), count=st.integers(1, 9))
    def put(self, lane: str, way: str, count: int) -> None:
        for _ in range(count):
            self.where.put(way, lane, self.number)
            self.model[lane, way].append(self.number)
            self.number += 1

    @rule(lane=st.sampled_from(LANES), way=st.sampled_from(["a", "b", "alone"]))
    def put_first(self, lane: str, way: str) -> None:
        self.where.put_first(way, lane, self.number)
        self.model[lane, way].insert(0, self.number)
        self.number += 1

    @rule(senders=st.integers(1, 40))
    def take(self, senders: int) -> None:
        open_lanes = self.open_lanes()
        turn = self.where.take(senders)
        assert (turn is None) == (not open_lanes)
        if turn is None:
            return
        assert turn.lane in open_lanes
        assert self.is_open(str(turn.way))
        assert 1 <= len(turn.items) <= (1 if turn.way == "alone" else 50)
        line = self.model[turn.lane, str(turn.way)]
        assert turn.items == line[: len(turn.items)]
        del line[: len(turn.items)]
        self.under_way.append(turn)
        for lane in open_lanes:
            self.passed[lane] = 0 if lane == turn.lane else self.passed[lane] + 1
            assert self.passed[lane] <= PATIENCE + len(LANES)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), seconds=st.floats(0, 100))
    def done(self, data: Any, seconds: float) -> None:
        turn = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
        self.where.done(turn, seconds)

    @rule(remainder=st.integers(0, 6))
    def remove(self, remainder: int) -> None:
        removed = self.where.remove(lambda item: item % 7 == remainder)
        unwanted = [item for items in self.model.values() for item in items if item % 7 == remainder]
        assert sorted(removed) == sorted(unwanted)
        for key, items in self.model.items():
            self.model[key] = [item for item in items if item % 7 != remainder]

    @invariant()
    def counts_are_right(self) -> None:
        expected = Counter(dict.fromkeys(LANES, 0))
        for (lane, _), items in self.model.items():
            expected[lane] += len(items)
        assert self.where.by_lane() == dict(expected)


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
