"""Working at one thing while the next is fetched."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from producers.one_ahead import one_ahead

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_everything_comes_back_in_order_with_what_was_made_of_it() -> None:
    assert list(one_ahead(lambda n: n * n, range(5))) == [(n, n * n) for n in range(5)]
    assert list(one_ahead(lambda n: n, [])) == []


def test_the_next_is_fetched_while_one_is_worked_at() -> None:
    fetched = threading.Event()

    def items() -> Iterator[int]:
        yield 1
        fetched.set()
        yield 2

    def work(number: int) -> bool:
        return number == 2 or fetched.wait(10)

    assert list(one_ahead(work, items())) == [(1, True), (2, True)]


def test_nothing_is_begun_behind_a_failure_and_what_was_before_it_is_known() -> None:
    begun = []

    def work(number: int) -> int:
        begun.append(number)
        if number == 2:
            raise ConnectionError
        return number

    seen: list[tuple[int, int]] = []
    with pytest.raises(ConnectionError):
        seen.extend(one_ahead(work, range(5)))

    assert seen == [(0, 0), (1, 1)]
    assert begun == [0, 1, 2]
