"""When a mail is tried again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.exceptions import ConnectionError as RedisConnectionError

from tasks.deadline import Deadline
from tasks.delivery.retry import RetryPolicy, persistently
from tasks.failures import Reply, TransientFailure


def failure(retry_after: float | None = None) -> TransientFailure:
    return TransientFailure(Reply(451, "later"), retry_after=retry_after)


def deadline(left: float, budget: float | None = None) -> Deadline:
    return Deadline.after(left, budget=budget, clock=lambda: 0.0)


@given(
    attempt=st.integers(1, 60),
    left=st.floats(0.0, 3600.0),
    budget=st.floats(1.0, 3600.0),
    asked=st.none() | st.floats(0.0, 7200.0),
)
def test_a_wait_always_leaves_time_to_begin_the_content(
    attempt: int, left: float, budget: float, asked: float | None
) -> None:
    time = deadline(min(left, budget), budget)

    wait = RetryPolicy().wait_after(failure(asked), attempt=attempt, deadline=time)

    assert wait is None or 0 <= wait < time.remaining - time.reserve


@given(attempt=st.integers(1, 49))
def test_waits_grow_up_to_their_bound(attempt: int) -> None:
    wait = RetryPolicy(first=0.5, longest=8.0).wait_after(failure(), attempt=attempt, deadline=deadline(60.0))

    assert wait is not None
    assert wait <= min(8.0, 0.5 * 2 ** (attempt - 1))


@given(asked=st.floats(0.0, 1000.0))
def test_the_servers_wish_is_never_undercut(asked: float) -> None:
    wait = RetryPolicy().wait_after(failure(asked), attempt=1, deadline=deadline(3600.0))

    assert wait is not None
    assert asked <= wait <= asked + 1.0


def test_attempts_come_to_an_end_even_with_time_left() -> None:
    policy = RetryPolicy(attempts=3)

    assert policy.wait_after(failure(), attempt=2, deadline=deadline(60.0)) is not None
    assert policy.wait_after(failure(), attempt=3, deadline=deadline(60.0)) is None


def test_a_write_is_made_again_while_redis_is_away() -> None:
    answers = iter([RedisConnectionError("away"), "written"])

    def write() -> object:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert persistently(write) == "written"


def test_a_write_is_given_up_in_the_end() -> None:
    def write() -> None:
        raise RedisConnectionError("away")

    with pytest.raises(RedisConnectionError):
        persistently(write, longest=0.0)
