from __future__ import annotations

import os
import threading

import pytest

from tasks.deadline import Deadline
from tasks.patience import MOST_CALLS, Patience


def test_a_call_that_returns_in_time_gives_its_result() -> None:
    assert Patience().call("key", lambda: 42, Deadline.after(5)) == 42


def test_what_a_call_raises_is_raised_to_the_caller() -> None:
    with pytest.raises(KeyError):
        Patience().call("key", {}.popitem, Deadline.after(5))


def test_a_call_that_hangs_is_given_up_on_and_shared() -> None:
    patience, hanging, calls = Patience(), threading.Event(), []

    def hang() -> None:
        calls.append(1)
        hanging.wait(10)

    for _ in range(3):
        with pytest.raises(TimeoutError):
            patience.call("key", hang, Deadline.after(0.02))
    hanging.set()

    assert len(calls) == 1


def test_the_number_of_calls_that_hang_is_bounded() -> None:
    patience, hanging = Patience(), threading.Event()
    before = threading.active_count()
    for number in range(MOST_CALLS + 5):
        with pytest.raises(TimeoutError):
            patience.call(number, lambda: hanging.wait(10), Deadline.after(0.001))

    assert threading.active_count() <= before + MOST_CALLS
    hanging.set()


def test_a_forked_process_does_not_wait_for_the_parents_threads() -> None:
    patience, hanging = Patience(), threading.Event()
    with pytest.raises(TimeoutError):
        patience.call("key", lambda: hanging.wait(10), Deadline.after(0.01))

    child = os.fork()
    if child == 0:
        os._exit(patience.call("key", lambda: 7, Deadline.after(2)))
    _, status = os.waitpid(child, 0)
    hanging.set()

    assert os.waitstatus_to_exitcode(status) == 7
