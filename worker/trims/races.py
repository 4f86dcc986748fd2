"""Who gets up when a message comes: all that listen, of which one finds it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds for which a loser lets others run: the first time, and at most.
_SHORT: Final = 0.01
_LONG: Final = 0.04


class Races:
    """
    Keeps a process out of races that it loses.

    A bell wakes every process that listens to a lane, and the first to come takes the message. Where messages
    come one by one the others have woken in vain, on processors that the first one needs. So who was too late
    does not listen for a moment, and for longer each time; whoever is early finds the lane to itself.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._running: set[str] = set()
        self._pauses: dict[str, float] = {}
        self._until: dict[str, float] = {}

    def begin(self, lane: str) -> None:
        """Note that the bell of *lane* has rung."""
        self._running.add(lane)

    def end(self, lane: str, *, is_won: bool) -> float:
        """Note whether a message of *lane* was found; return the seconds that this process rests from it."""
        was_running = lane in self._running
        self._running.discard(lane)
        if is_won:
            self._pauses.pop(lane, None)
        elif was_running:
            pause = self._pauses[lane] = min(_LONG, 2 * self._pauses.get(lane, _SHORT / 2))
            self._until[lane] = self._clock() + pause
            return pause
        return 0.0

    def may_enter(self, lane: str) -> bool:
        """Whether this process may listen to *lane* again."""
        until = self._until.get(lane)
        if until is None:
            return True
        if self._clock() < until:
            return False
        del self._until[lane]
        return True
