"""The rounds that are being carried in this process."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.delivery.round import Round


class OpenRounds:
    """The rounds that are being carried, for whoever looks after their answers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: set[Round] = set()

    @contextmanager
    def open(self, one: Round) -> Iterator[None]:
        """Count *one* among them while the block lasts."""
        with self._lock:
            self._open.add(one)
        try:
            yield
        finally:
            with self._lock:
                self._open.discard(one)

    def overdue(self, patience: float) -> list[Round]:
        """Return those with an answer that the journal has not had for *patience* seconds."""
        with self._lock:
            return [one for one in self._open if one.is_overdue(patience)]

    def stuck(self, patience: float) -> list[Round]:
        """Return those in which nothing was heard for *patience* seconds."""
        with self._lock:
            return [one for one in self._open if one.is_stuck(patience)]
