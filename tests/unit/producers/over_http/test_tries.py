"""How often a request is sent, without sending one."""

from __future__ import annotations

import json

import pytest

from producers.errors import QueueUnavailable, RateLimited
from producers.over_http.replies import Reply
from producers.over_http.tries import LONGEST, Ask, Lost, seconds_for, tries

ANSWER = Reply(202, {}, b"{}")
CUT = Lost("ReadError", may_have_arrived=True)
DOWN = Lost("ConnectionRefusedError", may_have_arrived=False)


def slow(retry_after: str, kind: str = "rate-limited") -> Reply:
    problem = {"type": f"urn:postroom:problem:{kind}", "detail": "d"}
    return Reply(429, {"retry-after": retry_after}, json.dumps(problem).encode())


def ask(*, patience: float = 0.0, is_repeatable: bool = True) -> Ask:
    return Ask("POST", "/v1/emails", {}, patience=patience, is_repeatable=is_repeatable)


def played(asked: Ask, *outcomes: Reply | Lost) -> tuple[list[float], Reply | None]:
    """Return the pauses before each try, and the answer if there was one by then."""
    steps = tries(asked)
    pauses = [next(steps).pause]
    for outcome in outcomes:
        try:
            pauses.append(steps.send(outcome).pause)
        except StopIteration as done:
            return pauses, done.value
    return pauses, None


def test_an_answer_ends_it() -> None:
    assert played(ask(), ANSWER) == ([0.0], ANSWER)


def test_a_lost_answer_is_asked_for_once_more_at_once() -> None:
    assert played(ask(), CUT, ANSWER) == ([0.0, 0.0], ANSWER)
    with pytest.raises(QueueUnavailable, match=r"\(ReadError\)"):
        played(ask(), CUT, CUT)


@pytest.mark.parametrize(
    ("asked", "outcome"),
    [
        (ask(), DOWN),
        (ask(is_repeatable=False), CUT),
        (ask(), Reply(503, {}, b"")),
        (ask(), Reply(502, {}, b"")),
    ],
    ids=["nobody there", "not to be repeated", "queue away", "proxy without gateway"],
)
def test_what_a_repeat_would_not_help_is_told_at_once(asked: Ask, outcome: Reply | Lost) -> None:
    with pytest.raises(QueueUnavailable):
        played(asked, outcome)


def test_an_allowance_is_waited_for_as_the_gateway_says() -> None:
    assert played(ask(), slow("2"), slow("1"), ANSWER) == ([0.0, 2.0, 1.0], ANSWER)
    assert played(ask(patience=60.0), slow("30"), ANSWER) == ([0.0, 30.0], ANSWER)


@pytest.mark.parametrize(
    ("retry_after", "wait"), [("7", 7.0), ("99999", 99999.0), ("Thu, 31 Jan 2030 12:00:00 GMT", None)]
)
def test_an_allowance_that_comes_too_late_is_told(retry_after: str, wait: float | None) -> None:
    steps = tries(ask(patience=0.0 if wait else -5.0))
    next(steps)
    with pytest.raises(RateLimited) as caught:
        steps.send(slow(retry_after))

    assert caught.value.wait == (wait or 5.0)


def test_too_many_resets_are_no_matter_of_the_rate() -> None:
    answer = slow("2", "too-many-resets")

    assert played(ask(), answer) == ([0.0], answer)


def test_no_try_has_more_time_than_is_left() -> None:
    steps = tries(ask())
    first, second = next(steps), steps.send(slow("4"))

    assert first.within == pytest.approx(LONGEST, abs=0.5)
    assert second.within == pytest.approx(LONGEST - 4.0, abs=0.5)


def test_large_requests_have_more_time() -> None:
    assert seconds_for(0) == LONGEST
    assert seconds_for(1024 * 1024) == LONGEST + 4.0
