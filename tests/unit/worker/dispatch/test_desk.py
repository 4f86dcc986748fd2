"""Turns are handed out to threads, one to each at a time, and at no other time than they should be."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from worker.dispatch.desk import Desk

if TYPE_CHECKING:
    from collections.abc import Iterator

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


class Sender(threading.Thread):
    """Takes one turn, tells it, and ends it when it may."""

    def __init__(self, desk: Desk[Item]) -> None:
        super().__init__(daemon=True)
        self._desk = desk
        self._told: queue.Queue[list[Item] | None] = queue.Queue()
        self.may_end = threading.Event()
        self.start()

    def run(self) -> None:
        with self._desk.turn() as turn:
            self._told.put(turn and turn.items)
            self.may_end.wait(LONG)

    def turn(self) -> list[Item] | None:
        return self._told.get(timeout=LONG)

    def end(self) -> None:
        self.may_end.set()
        self.join(LONG)
        assert not self.is_alive()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(clock: Clock) -> Iterator[Desk[Item]]:
    desk: Desk[Item] = Desk(lanes=["reset", "default", "bulk"], connections=1, senders=2, clock=clock)
    yield desk
    desk.close()


def is_waiting(thread: Sender, desk: Any) -> bool:
    """Whether *thread* got no turn, seen when it waits for one."""
    while thread.is_alive() and not desk._changed._waiters:  # noqa: SLF001 (else it would be sleep and hope)
        pass
    return thread._told.empty()  # noqa: SLF001 (a helper of the thread)


def test_what_is_put_wakes_a_sender_that_waits(desk: Desk[Item]) -> None:
    sender = Sender(desk)
    assert is_waiting(sender, desk)
    desk.put([Item("a")])

    assert sender.turn() == [Item("a")]
    sender.end()


def test_the_end_of_a_turn_lets_the_next_one_of_its_way_begin(desk: Desk[Item]) -> None:
    desk.put([Item("a")])
    first = Sender(desk)
    assert first.turn() == [Item("a")]
    desk.put([Item("b")])
    second = Sender(desk)
    assert is_waiting(second, desk)
    first.end()

    assert second.turn() == [Item("b")]
    second.end()


def test_a_turn_is_over_although_it_raised(desk: Desk[Item]) -> None:
    for name in ("a", "b"):
        desk.put([Item(name)])
        with pytest.raises(SystemExit), desk.turn():
            raise SystemExit
    assert desk.state().busy == 0
    assert desk.state().waiting["default"] == 0


def test_what_rests_goes_before_the_others_of_its_lane_and_not_before_its_time(
    desk: Desk[Item], clock: Clock
) -> None:
    desk.rest(Item("rested"), 5.0)
    desk.put([Item("a")])
    with desk.turn() as turn:
        assert turn is not None
        assert turn.items == [Item("a")]
    desk.put([Item("b")])
    clock.now += 5.0
    with desk.turn() as turn:
        assert turn is not None
        assert turn.items[0] == Item("rested")


def test_what_rests_wakes_a_sender_by_itself() -> None:
    desk: Desk[Item] = Desk(lanes=["default"], connections=1, senders=1)
    desk.rest(Item("late"), 0.2)
    desk.rest(Item("soon"), 0.05)

    assert Sender(desk).turn() == [Item("soon")]


def test_a_closed_desk_hands_nothing_out_and_lets_those_go_who_wait(desk: Desk[Item]) -> None:
    sender = Sender(desk)
    assert is_waiting(sender, desk)
    desk.close()
    desk.put([Item("a")])

    assert sender.turn() is None
    with desk.turn() as turn:
        assert turn is None
    assert desk.state().waiting["default"] == 1
    sender.end()


def test_the_desk_is_idle_when_the_last_turn_is_over(desk: Desk[Item]) -> None:
    desk.put([Item("a")])
    sender = Sender(desk)
    sender.turn()
    desk.close()
    assert not desk.wait_until_idle(0.01)
    sender.may_end.set()

    assert desk.wait_until_idle(LONG)


def test_one_sender_more_takes_what_one_too_few_left(desk: Desk[Item]) -> None:
    desk.resize(-1)
    desk.put([Item("a", way="x"), Item("b", way="y")])
    first = Sender(desk)
    first.turn()
    second = Sender(desk)
    assert is_waiting(second, desk)
    desk.resize(1)

    assert second.turn() == [Item("b", way="y")]
    first.end()
    second.end()


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
    with desk.turn() as turn:
        assert turn is not None
        assert turn.items[0] == Item("c")


def test_the_state_tells_the_age_of_the_oldest_turn(desk: Desk[Item], clock: Clock) -> None:
    assert desk.state().oldest == 0.0
    desk.put([Item("a", way="x"), Item("b", way="y")])
    with desk.turn():
        clock.now += 3.0
        with desk.turn():
            clock.now += 4.0
            state = desk.state()
    assert (state.busy, state.oldest) == (2, 7.0)
