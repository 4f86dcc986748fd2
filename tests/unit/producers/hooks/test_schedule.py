"""Attempts come later and later, for about a day."""

from __future__ import annotations

import pytest

from producers.hooks.schedule import WAITS, wait_after


def least(low: float, _high: float) -> float:
    return low


def most(_low: float, high: float) -> float:
    return high


def test_a_day_of_attempts_from_seconds_to_hours() -> None:
    waits = [wait_after(attempt, draw=least) for attempt in range(1, 14)]

    assert waits[0] == 5.0
    assert waits[-1] is None
    known = [wait for wait in waits if wait is not None]
    assert known == sorted(known)
    assert 23 * 3600 < sum(known) < 25 * 3600
    assert wait_after(1000) is None


def test_waits_are_spread() -> None:
    assert wait_after(1, draw=most) == pytest.approx(6.0)
    assert len({wait_after(3) for _ in range(20)}) > 1


@pytest.mark.parametrize(("asked_for", "wait"), [(None, 5.0), (1.0, 5.0), (60.0, 60.0), (10.0**6, WAITS[-1])])
def test_a_receiver_may_ask_for_more_time_and_never_for_less(asked_for: float | None, wait: float) -> None:
    assert wait_after(1, asked_for=asked_for, draw=least) == wait
