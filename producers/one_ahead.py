"""Working at one thing while the next is fetched."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

T = TypeVar("T")
R = TypeVar("R")


def one_ahead(work: Callable[[T], R], items: Iterable[T]) -> Iterator[tuple[T, R]]:
    """
    Yield each of *items* with what *work* made of it, in order.

    The work is done in a thread, one item at a time and each when the one before succeeded; meanwhile the
    next is fetched. What *work* raises is raised here.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="postroom-one-ahead") as worker:
        under_way: list[tuple[T, Future[R]]] = []
        for item in items:
            done = [(before, future.result()) for before, future in under_way]
            under_way = [(item, worker.submit(work, item))]
            yield from done
        for last, future in under_way:
            yield last, future.result()
