"""Where senders come for their next turn, and leave what must rest."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from worker.dispatch.waiting import Turn, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence


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
    Hands out turns, to each of *senders* threads one at a time; safe to share between threads.

    What rests until a moment is then carried before what waits. Once closed it hands nothing out.
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
        self._idle = 0
        self._clock = clock
        self.senders = senders
        self.is_closed = False

    def put(self, items: Iterable[ItemT]) -> None:
        """Have *items* wait for their turns."""
        with self._changed:
            count = 0
            for item in items:
                self._waiting.put(item.way, item.lane, item)
                count += 1
            self._changed.notify(count)

    def rest(self, item: ItemT, seconds: float) -> None:
        """Have *item* wait for *seconds*, and then go before the others of its lane."""
        with self._changed:
            heapq.heappush(self._resting, (self._clock() + seconds, next(self._order), item))
            self._changed.notify()

    @contextmanager
    def turn(self) -> Iterator[Turn[ItemT] | None]:
        """Wait for a turn, which is over at the end of the block; None once the desk is closed."""
        turn = self._take()
        began = self._clock()
        try:
            yield turn
        finally:
            if turn:
                self._done(turn, self._clock() - began)

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
            self._changed.notify_all()

    def close(self) -> None:
        """Hand out nothing more."""
        with self._changed:
            self.is_closed = True
            self._changed.notify_all()

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

    def _take(self) -> Turn[ItemT] | None:
        with self._changed:
            while not self.is_closed:
                self._wake_rested()
                if len(self._begun) < self.senders and (turn := self._waiting.take(self.senders)):
                    self._begun[id(turn)] = self._clock()
                    return turn
                self._changed.wait(self._next_rested())
            return None

    def _done(self, turn: Turn[ItemT], seconds: float) -> None:
        with self._changed:
            del self._begun[id(turn)]
            self._waiting.done(turn, seconds)
            # Another way or lane may be free to go now; and somebody may wait until all is done.
            self._changed.notify_all() if self.is_closed else self._changed.notify()

    def _wake_rested(self) -> None:
        now = self._clock()
        while self._resting and self._resting[0][0] <= now:
            _, _, item = heapq.heappop(self._resting)
            self._waiting.put_first(item.way, item.lane, item)

    def _next_rested(self) -> float | None:
        return max(0.0, self._resting[0][0] - self._clock()) if self._resting else None
