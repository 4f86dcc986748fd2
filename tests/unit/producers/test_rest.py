from __future__ import annotations

import os
import threading

import pytest

from producers.rest import A_HANG, Rest, Resting


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def fail(rest: Rest, clock: Clock, seconds: float) -> None:
    def ask() -> None:
        clock.now += seconds
        raise ConnectionError

    with pytest.raises(ConnectionError), rest.turn():
        ask()


def test_what_fails_at_once_is_asked_again_at_once(clock: Clock) -> None:
    rest = Rest(5.0, clock=clock)
    fail(rest, clock, A_HANG / 2)

    fail(rest, clock, 0.0)


def test_what_hung_is_left_alone_for_the_pause(clock: Clock) -> None:
    rest = Rest(5.0, clock=clock)
    fail(rest, clock, A_HANG)

    with pytest.raises(Resting):
        rest.check()
    clock.now += 5.0
    rest.check()


def test_without_a_pause_one_caller_tries_what_hung_and_the_others_are_refused(clock: Clock) -> None:
    rest = Rest(clock=clock)
    fail(rest, clock, A_HANG)
    is_trying, may_end = threading.Event(), threading.Event()

    def prober() -> None:
        with rest.turn():
            is_trying.set()
            may_end.wait(10)

    thread = threading.Thread(target=prober)
    thread.start()
    assert is_trying.wait(10)

    with pytest.raises(Resting), rest.turn():
        pytest.fail("two tried at once")
    may_end.set()
    thread.join()


def test_an_answer_ends_the_suspicion(clock: Clock) -> None:
    rest = Rest(clock=clock)
    fail(rest, clock, A_HANG)
    with rest.turn():
        pass

    with rest.turn():
        rest.check()


@pytest.mark.parametrize("pause", [0.0, 5.0], ids=["without a pause", "after the pause"])
def test_a_forked_child_asks_although_a_thread_of_its_parent_was_asking(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, pause: float
) -> None:
    rest = Rest(pause, clock=clock)
    fail(rest, clock, A_HANG)
    clock.now += pause

    # What a fork in the middle of the parent's attempt leaves to the child.
    with rest.turn():
        monkeypatch.setattr(os, "getpid", lambda: -1)
        with rest.turn():
            pass

    rest.check()


def test_a_forked_child_lets_one_caller_at_a_time_try_what_hung(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    rest = Rest(clock=clock)
    fail(rest, clock, A_HANG)
    monkeypatch.setattr(os, "getpid", lambda: -1)

    with rest.turn(), pytest.raises(Resting), rest.turn():
        pytest.fail("two tried at once")
