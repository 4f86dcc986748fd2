"""Calls that take no timeout, made in threads that are given up on at the deadline."""

from __future__ import annotations

import os
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from tasks.deadline import Deadline

T = TypeVar("T")

#: Threads that may hang at once; callers beyond wait for their own deadline in vain.
MOST_CALLS: Final = 16


class Patience:
    """
    Runs blocking calls for at most as long as a caller has time.

    A call that hangs keeps its thread, which is a daemon, until it returns. Callers with an equal *key* share
    one call, so that the threads are bounded by the distinct keys and by MOST_CALLS.
    """

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._running: dict[Hashable, Future[Any]] = {}

    def call(self, key: Hashable, function: Callable[[], T], deadline: Deadline) -> T:
        """
        Return what *function* returns.

        Raises:
            TimeoutError: it did not return in time, or too many calls hang already.
            BaseException: whatever *function* raises.

        """
        if self._process != os.getpid():
            # The threads of the parent do not exist in a forked child.
            self._start()
        future: Future[T] = self._join(key, function)
        return future.result(timeout=deadline.remaining)

    def _join(self, key: Hashable, function: Callable[[], T]) -> Future[T]:
        with self._lock:
            if key in self._running:
                return self._running[key]
            if len(self._running) >= MOST_CALLS:
                raise TimeoutError("too many calls hang")
            future: Future[T] = Future()
            self._running[key] = future
        thread = threading.Thread(target=self._run, args=(key, function, future), daemon=True)
        thread.start()
        return future

    def _run(self, key: Hashable, function: Callable[[], T], future: Future[T]) -> None:
        try:
            result = function()
        except BaseException as error:  # noqa: BLE001  # it belongs to the callers, who wait in other threads
            self._forget(key)
            future.set_exception(error)
        else:
            self._forget(key)
            future.set_result(result)

    def _forget(self, key: Hashable) -> None:
        with self._lock:
            self._running.pop(key, None)
