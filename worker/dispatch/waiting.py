"""Which of the mails that wait are carried next, and how many together. Pure: no threads, no clock."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

T = TypeVar("T")

#: Mails of one run. More gain nothing, since a connection's cost is spread thin by then.
MOST_TOGETHER: Final = 50
#: Seconds that a run should take, so that whoever comes meanwhile has a free sender soon.
LONGEST_RUN: Final = 1.0
#: Turns after which a lane that is passed over has one.
PATIENCE: Final = 4
#: Seconds for a mail that are assumed of a server that nobody has spoken to yet.
_UNKNOWN_PACE: Final = 0.1
#: Ways whose pace is remembered.
_MOST_WAYS: Final = 1000


@dataclass(frozen=True, slots=True)
class Turn(Generic[T]):
    """What one sender is to carry now: items of one lane and one way."""

    way: Hashable
    lane: str
    items: list[T]


@dataclass(slots=True)
class _Line(Generic[T]):
    """What waits in one lane for one way, and when it was last served."""

    items: deque[T] = field(default_factory=deque)
    served: int = 0


class Waiting(Generic[T]):
    """
    Everything that waits in a worker process, by lane and by way.

    The lanes have their turns in the order of *lanes*; one that was passed over four times goes before. Of a
    lane's ways each has its turn, and none is carried by more than *connections* senders. A turn is a fair
    share of what waits: one item and a further one for as many as could be carried at a time wait, at most
    fifty, and no more than the way's pace lets be carried in a second. The ways in *exceptions* have
    turns of one item, of which as many are carried at a time as it says.
    """

    def __init__(
        self,
        *,
        lanes: Sequence[str],
        connections: int,
        exceptions: Mapping[Hashable, int] | None = None,
    ) -> None:
        self._lines: dict[str, dict[Hashable, _Line[T]]] = {lane: {} for lane in lanes}
        self._passed = dict.fromkeys(lanes, 0)
        self._busy: defaultdict[Hashable, int] = defaultdict(int)
        self._pace: dict[Hashable, float] = {}
        self._connections = connections
        self._exceptions = exceptions or {}
        self._turns = 0

    def __len__(self) -> int:
        return sum(self.by_lane().values())

    def by_lane(self) -> dict[str, int]:
        """Return how many items wait in each lane."""
        return {lane: sum(len(line.items) for line in lines.values()) for lane, lines in self._lines.items()}

    def put(self, way: Hashable, lane: str, item: T) -> None:
        """Have *item* wait behind those of its lane and way."""
        self._line(way, lane).items.append(item)

    def put_first(self, way: Hashable, lane: str, item: T) -> None:
        """Have *item* wait before those of its lane and way: it had its turn before."""
        self._line(way, lane).items.appendleft(item)

    def take(self, senders: int) -> Turn[T] | None:
        """Return the next turn of one of *senders* senders, None where nothing may be carried now."""
        lane = self._next_lane()
        if lane is None:
            return None
        way, line = min(
            ((way, line) for way, line in self._lines[lane].items() if self._is_open(way)),
            key=lambda each: each[1].served,
        )
        self._turns += 1
        line.served = self._turns
        items = [line.items.popleft() for _ in range(self._share(way, len(line.items), senders))]
        if not line.items:
            del self._lines[lane][way]
        self._busy[way] += 1
        return Turn(way, lane, items)

    def done(self, turn: Turn[T], seconds: float) -> None:
        """Note that *turn* is over, and how long it took."""
        self._busy[turn.way] -= 1
        if not self._busy[turn.way]:
            del self._busy[turn.way]
        if len(self._pace) >= _MOST_WAYS and turn.way not in self._pace:
            self._pace.clear()
        pace = seconds / len(turn.items)
        self._pace[turn.way] = (self._pace.get(turn.way, pace) + pace) / 2

    def remove(self, is_unwanted: Callable[[T], bool]) -> list[T]:
        """Take out and return the items of which *is_unwanted* says so."""
        removed = []
        for lane, lines in self._lines.items():
            for way, line in list(lines.items()):
                removed += [item for item in line.items if is_unwanted(item)]
                line.items = deque(item for item in line.items if not is_unwanted(item))
                if not line.items:
                    del self._lines[lane][way]
        return removed

    def _line(self, way: Hashable, lane: str) -> _Line[T]:
        return self._lines[lane].setdefault(way, _Line(served=self._turns))

    def _is_open(self, way: Hashable) -> bool:
        return self._busy.get(way, 0) < self._exceptions.get(way, self._connections)

    def _open_lanes(self) -> Iterator[str]:
        for lane, lines in self._lines.items():
            if any(map(self._is_open, lines)):
                yield lane

    def _next_lane(self) -> str | None:
        lanes = list(self._open_lanes())
        if not lanes:
            return None
        impatient = [lane for lane in lanes if self._passed[lane] >= PATIENCE]
        chosen = impatient[-1] if impatient else lanes[0]
        for lane in lanes:
            self._passed[lane] = 0 if lane == chosen else self._passed[lane] + 1
        return chosen

    def _share(self, way: Hashable, waiting: int, senders: int) -> int:
        if way in self._exceptions:
            return 1
        fair = 1 + waiting // max(1, min(self._connections, senders))
        in_time = int(LONGEST_RUN / max(self._pace.get(way, _UNKNOWN_PACE), 1e-6))
        return min(waiting, fair, MOST_TOGETHER, max(1, in_time))
