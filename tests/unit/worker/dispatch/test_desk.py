"""Turns are handed out at no other time than they should be."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from worker.dispatch.desk import Desk

if TYPE_CHECKING:
    from worker.dispatch.waiting import Turn

#: Seconds that a thread has to do what it must; far more than it needs.
LONG = 10.0


@dataclass(frozen=True)
class Item:
    name: str
    way: str = "way"
    lane: str = "default"


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(clock: Clock) -> Desk[Item]:
    return Desk(lanes=["reset", "default", "bulk"], connections=1, senders=2, clock=clock)


@pytest.fixture
def told(desk: Desk[Item]) -> list[str]:
    """How often it was told that there may be a turn."""
    changes: list[str] = []
    desk.on_change = lambda: changes.append("changed")
    return changes


def items(turn: Turn[Item] | None) -> list[Item]:
    return turn.items if turn else []


def test_what_is_put_is_told_to_whoever_takes_turns(desk: Desk[Item], told: list[str]) -> None:
    assert desk.take() is None
    desk.put([Item("a")])

    assert told == ["changed"]
    assert items(desk.take()) == [Item("a")]


def test_the_end_of_a_turn_lets_the_next_one_of_its_way_begin(desk: Desk[Item], told: list[str]) -> None:
    desk.put([Item("a")])
    first = desk.take()
    desk.put([Item("b")])
    assert first is not None
    assert desk.take() is None
    told.clear()
    desk.done(first)

    assert told == ["changed"]
    assert items(desk.take()) == [Item("b")]


def test_what_rests_goes_before_the_others_of_its_lane_and_not_before_its_time(
    desk: Desk[Item], clock: Clock
) -> None:
    desk.rest(Item("rested"), 5.0)
    desk.put([Item("a")])
    turn = desk.take()
    assert turn is not None
    assert turn.items == [Item("a")]
    desk.done(turn)
    desk.put([Item("b")])
    clock.now += 5.0

    assert items(desk.take())[0] == Item("rested")


def test_it_is_told_when_something_will_have_rested(desk: Desk[Item], clock: Clock, told: list[str]) -> None:
    assert desk.next_rested() is None
    desk.rest(Item("late"), 2.0)
    desk.rest(Item("soon"), 0.5)

    assert told == ["changed", "changed"]
    assert desk.next_rested() == 0.5
    clock.now += 3.0
    assert desk.next_rested() == 0.0


def test_a_closed_desk_hands_nothing_out(desk: Desk[Item]) -> None:
    desk.close()
    desk.put([Item("a")])

    assert desk.take() is None
    assert desk.state().waiting["default"] == 1


def test_the_desk_is_idle_when_the_last_turn_is_over(desk: Desk[Item]) -> None:
    desk.put([Item("a")])
    turn = desk.take()
    assert turn is not None
    desk.close()
    assert not desk.wait_until_idle(0.01)
    ending = threading.Timer(0.05, desk.done, [turn])
    ending.start()

    assert desk.wait_until_idle(LONG)
    ending.join()


def test_one_sender_more_takes_what_one_too_few_left(desk: Desk[Item], told: list[str]) -> None:
    desk.resize(-1)
    desk.put([Item("a", way="x"), Item("b", way="y")])
    assert items(desk.take()) == [Item("a", way="x")]
    assert desk.take() is None
    told.clear()
    desk.resize(1)

    assert told == ["changed"]
    assert items(desk.take()) == [Item("b", way="y")]


def test_there_is_always_one_sender(desk: Desk[Item]) -> None:
    desk.resize(-10)

    assert desk.state().senders == 1


def test_what_is_removed_neither_waits_nor_rests_any_more(desk: Desk[Item], clock: Clock) -> None:
    desk.put([Item("a"), Item("b")])
    desk.rest(Item("a"), 1.0)
    desk.rest(Item("c"), 2.0)

    assert desk.remove(lambda item: item.name == "a") == [Item("a"), Item("a")]
    assert (desk.state().waiting["default"], desk.state().resting) == (1, 1)
    clock.now += 2.0
    assert items(desk.take())[0] == Item("c")


def test_the_state_tells_the_age_of_the_oldest_turn(desk: Desk[Item], clock: Clock) -> None:
    assert desk.state().oldest == 0.0
    desk.put([Item("a", way="x"), Item("b", way="y")])
    desk.take()
    clock.now += 3.0
    desk.take()
    clock.now += 4.0

    state = desk.state()
    assert (state.busy, state.oldest) == (2, 7.0)
