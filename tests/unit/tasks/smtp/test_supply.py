"""The mails of a run: handed out one by one, or taken back, and never both."""

from __future__ import annotations

import threading
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tasks.smtp.supply import Line, Supply


def supply(*names: str) -> Supply:
    run: Any = names  # Nothing is looked at of a submission here.
    return Supply(run)


def test_mails_are_handed_out_in_order_and_then_there_is_none() -> None:
    found = supply("a", "b")

    assert [found.next() for _ in range(3)] == ["a", "b", None]


def test_what_is_taken_back_is_not_handed_out() -> None:
    found = supply("a", "b", "c")
    found.next()

    assert found.withdraw() == ["b", "c"]
    assert found.withdraw() == []
    assert found.next() is None


def test_two_threads_share_a_run_without_doubling_or_losing_one() -> None:
    found = supply(*map(str, range(2000)))
    handed: list[Any] = []

    def take() -> None:
        while (each := found.next()) is not None:
            handed.append(each)

    thread = threading.Thread(target=take)
    thread.start()
    while len(handed) < 100 and thread.is_alive():
        pass
    back = found.withdraw()
    thread.join(10.0)

    assert sorted([*handed, *back], key=int) == [*map(str, range(2000))]


def test_a_line_looks_one_ahead_and_no_further() -> None:
    found = supply("a", "b", "c", "d")
    line = Line(found)

    assert bool(line)
    assert (line.first.submission, line.second and line.second.submission) == ("a", "b")
    assert found.withdraw() == ["c", "d"]
    assert line.leave().submission == "a"
    assert line.first.submission == "b"
    assert line.second is None
    assert line.leave().submission == "b"
    assert not line
    assert [job.submission for job in line.jobs] == ["a", "b"]


@given(st.lists(st.sampled_from(["leave", "look", "withdraw"]), max_size=20), st.integers(0, 8))
def test_whatever_is_done_each_mail_is_begun_in_order_or_taken_back(steps: list[str], count: int) -> None:
    found = supply(*map(str, range(count)))
    line, left, back = Line(found), [], []
    for step in steps:
        if step == "withdraw":
            back += found.withdraw()
        elif line and step == "leave":
            left.append(line.leave().submission)
        else:
            assert (line.second is not None) <= bool(line)
    begun = [job.submission for job in line.jobs]

    assert left == begun[: len(left)]
    assert [*begun, *back, *found.withdraw()] == [*map(str, range(count))]
