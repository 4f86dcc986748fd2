from __future__ import annotations

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
