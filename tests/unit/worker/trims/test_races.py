"""A process that was too late for a message leaves the lane to others for a moment."""

from __future__ import annotations

from worker.trims.races import Races


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def lose(races: Races, lane: str = "default") -> float:
    races.begin(lane)
    return races.end(lane, is_won=False)


def test_who_loses_does_not_listen_for_a_moment() -> None:
    clock = Clock()
    races = Races(clock)
    assert races.may_enter("default")
    pause = lose(races)

    assert pause > 0
    assert not races.may_enter("default")
    assert races.may_enter("reset"), "each lane has races of its own"
    clock.now += pause
    assert races.may_enter("default")


def test_who_loses_again_rests_for_longer_and_never_long() -> None:
    races = Races(Clock())
    pauses = [lose(races) for _ in range(6)]

    assert pauses == sorted(pauses)
    assert pauses[1] == 2 * pauses[0]
    assert pauses[-1] == pauses[-2] <= 0.05


def test_who_wins_rests_no_more() -> None:
    races = Races(Clock())
    first = lose(races)
    lose(races)
    races.begin("default")
    assert races.end("default", is_won=True) == 0.0

    assert lose(races) == first


def test_who_looked_without_a_bell_has_lost_nothing() -> None:
    races = Races(Clock())

    assert races.end("default", is_won=False) == 0.0
    assert races.may_enter("default")
