"""A worker takes little of a burst at first, and more as long as there is more."""

from __future__ import annotations

from worker.trims.window import PAUSE, STEP, PrefetchWindow


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now

    def step(self) -> None:
        self.now += 1.01 * PAUSE


def grown(clock: Clock, steps: int) -> PrefetchWindow:
    window = PrefetchWindow(clock)
    window.size(0, is_more=True)
    for _ in range(steps):
        clock.step()
        window.size(STEP, is_more=True)
    return window


def test_it_begins_with_a_step_and_grows_by_one_after_each_pause() -> None:
    clock = Clock()
    window = PrefetchWindow(clock)

    found = [window.size(0, is_more=True)]
    for _ in range(3):
        clock.step()
        found.append(window.size(STEP, is_more=True))

    assert found == [STEP, 2 * STEP, 3 * STEP, 4 * STEP]


def test_it_grows_by_time_and_not_by_being_asked() -> None:
    clock = Clock()
    window = grown(clock, 0)
    clock.step()

    assert {window.size(STEP, is_more=True) for _ in range(10)} == {2 * STEP}


def test_it_begins_with_a_step_however_long_there_was_nothing() -> None:
    clock = Clock()
    window = PrefetchWindow(clock)
    for _ in range(3):
        clock.step()
        window.size(0, is_more=False)
    clock.step()

    assert window.size(0, is_more=True) == STEP
    clock.step()
    assert window.size(STEP, is_more=True) == 2 * STEP


def test_whoever_is_through_with_a_burst_begins_anew() -> None:
    clock = Clock()
    window = grown(clock, 8)

    assert window.size(3, is_more=False) == STEP
    clock.now += PAUSE / 2
    assert window.size(STEP, is_more=True) == STEP


def test_whoever_has_done_all_that_was_fetched_of_a_long_queue_takes_as_much_as_before() -> None:
    clock = Clock()
    window = grown(clock, 8)

    assert window.size(0, is_more=True) == 9 * STEP


def test_whoever_has_much_at_hand_is_not_through_although_none_waits() -> None:
    clock = Clock()
    window = grown(clock, 8)

    assert window.size(STEP, is_more=False) == 9 * STEP
