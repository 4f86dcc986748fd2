"""Where senders come for their next turn, and leave what must rest."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from worker.dispatch.waiting import Turn, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence


class Item(Protocol):
    """What waits: it knows its place."""

    @property
    def way(self) -> Hashable:
        """The way that it goes."""

    @property
    def lane(self) -> str:
        """The lane that it came by."""


ItemT = TypeVar("ItemT", bound=Item)


@dataclass(frozen=True, slots=True)
class State:
    """What is going on: *oldest* is the age in seconds of the turn that has taken longest, 0 for none."""

    senders: int
    busy: int
    resting: int
    waiting: dict[str, int]
    oldest: float


class Desk(Generic[ItemT]):
    """
    Hands out turns, *senders* of them at a time; safe to share between threads.

    What rests until a moment is then carried before what waits. Once closed it hands nothing out. *on_change*
    is called, in any thread, when there may be a turn where there was none before.
    """

    def __init__(
        self,
        *,
        lanes: Sequence[str],
        connections: int,
        senders: int,
        exceptions: Mapping[Hashable, int] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._waiting: Waiting[ItemT] = Waiting(lanes=lanes, connections=connections, exceptions=exceptions)
        self._resting: list[tuple[float, int, ItemT]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._begun: dict[int, float] = {}
        self._clock = clock
        self.on_change: Callable[[], object] = _nothing
        self.senders = senders
        self.is_closed = False

    def put(self, items: Iterable[ItemT]) -> None:
        """Have *items* wait for their turns."""
        with self._changed:
            for item in items:
                self._waiting.put(item.way, item.lane, item)
        self.on_change()

    def rest(self, item: ItemT, seconds: float) -> None:
        """Have *item* wait for *seconds*, and then go before the others of its lane."""
        with self._changed:
            heapq.heappush(self._resting, (self._clock() + seconds, next(self._order), item))
        self.on_change()

    def take(self) -> Turn[ItemT] | None:
        """Hand out the next turn, to be ended by `done`; None where there is none now."""
        with self._changed:
            self._wake_rested()
            if self.is_closed or len(self._begun) >= self.senders:
                return None
            turn = self._waiting.take(self.senders)
            if turn:
                self._begun[id(turn)] = self._clock()
            return turn

    def done(self, turn: Turn[ItemT]) -> None:
        """Note that *turn* is over."""
        with self._changed:
            self._waiting.done(turn, self._clock() - self._begun.pop(id(turn)))
            if not self._begun:
                self._changed.notify_all()
        self.on_change()

    def next_rested(self) -> float | None:
        """Return the seconds until something has rested, None where nothing rests."""
        with self._changed:
            return max(0.0, self._resting[0][0] - self._clock()) if self._resting else None

    def remove(self, is_unwanted: Callable[[ItemT], bool]) -> list[ItemT]:
        """Take out and return what waits or rests and of which *is_unwanted* says so."""
        with self._changed:
            removed = self._waiting.remove(is_unwanted)
            removed += [item for _, _, item in self._resting if is_unwanted(item)]
            self._resting = [entry for entry in self._resting if not is_unwanted(entry[2])]
            heapq.heapify(self._resting)
            return removed

    def resize(self, change: int) -> None:
        """Have *change* more senders, or fewer; one too many gets no turn any more."""
        with self._changed:
            self.senders = max(1, self.senders + change)
        self.on_change()

    def close(self) -> None:
        """Hand out nothing more."""
        self.is_closed = True

    def wait_until_idle(self, seconds: float) -> bool:
        """Wait until no turn is being carried, for at most *seconds*; whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._begun, seconds)

    def state(self) -> State:
        """Return what is going on."""
        with self._changed:
            now = self._clock()
            oldest = max((now - began for began in self._begun.values()), default=0.0)
            waiting = self._waiting.by_lane()
            return State(self.senders, len(self._begun), len(self._resting), waiting, oldest)

    def _wake_rested(self) -> None:
        now = self._clock()
        while self._resting and self._resting[0][0] <= now:
            _, _, item = heapq.heappop(self._resting)
            self._waiting.put_first(item.way, item.lane, item)


def _nothing() -> None:
    """Do nothing about a change."""
