"""What happens to mails: the last ones that were accepted, then each change of each mail."""

from __future__ import annotations

import heapq
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from producers.connections import connect, reaching
from tasks.journal.journal import Journal
from tasks.journal.keys import MAIL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tasks.contract.names import Lane
    from tasks.contract.status import MailState
    from tasks.journal.records import Record

#: Mails whose state is remembered, so that nothing is told twice.
_REMEMBERED: Final = 10_000
#: Records that are looked at together, and seconds that a search through all of them may take.
_A_LOOK: Final = 500
_LONGEST_SEARCH: Final = 2.0


class Happened(NamedTuple):
    """A mail as it stands since a moment."""

    at: datetime
    record: Record


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which mails are told of: those in the lanes and states, or in all of them where none is named."""

    lanes: frozenset[Lane] = frozenset()
    states: frozenset[MailState] = frozenset()

    def has(self, record: Record) -> bool:
        """Whether the mail is one of them."""
        is_in_lane = not self.lanes or record.lane in self.lanes
        return is_in_lane and (not self.states or record.state in self.states)


class Told:
    """Remembers which mails were told of as what, so that nothing is told twice."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[str, int | None]] = OrderedDict()

    def __contains__(self, mail_id: str) -> bool:
        return mail_id in self._known

    def is_news(self, record: Record) -> bool:
        """Whether the mail's state, or last answer, is another than before; from now on it is known."""
        seen = (record.state.value, record.result.code if record.result else record.last_code)
        if self._known.get(record.mail_id) == seen:
            return False
        self._known[record.mail_id] = seen
        self._known.move_to_end(record.mail_id)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return True


class Tail:
    """
    Reads the journal for those who look on; whom mails are for is known, masked, once they have a result.

    All methods raise `QueueUnavailable` within seconds when the journal is away.
    """

    def __init__(self, journal_url: str, wanted: Wanted) -> None:
        self._redis = connect(journal_url)
        self._journal = Journal(self._redis)
        self._wanted = wanted
        self._told = Told()

    def last(self, count: int, *, clock: Callable[[], float] = time.monotonic) -> tuple[list[Happened], bool]:
        """
        Return the mails that were accepted last, oldest first, and whether all records were looked at.

        The journal has no list of its mails, so this goes through them, for two seconds at most.
        """
        until = clock() + _LONGEST_SEARCH
        newest: list[tuple[datetime, str, Record]] = []
        is_whole = True
        for records in self._all() if count else ():
            found = [(r.accepted_at, r.mail_id, r) for r in records if self._wanted.has(r)]
            newest = heapq.nlargest(count, [*newest, *found], key=lambda each: each[:2])
            if clock() > until:
                is_whole = False
                break
        happened = [happened_to(record, record.accepted_at) for _, _, record in newest]
        for each in happened:
            self._told.is_news(each.record)
        return sorted(happened, key=lambda each: each.at), is_whole

    def news(self, mail_ids: Sequence[str]) -> list[Happened]:
        """Return those of the mails whose state, or last answer, is another than when it was told."""
        now = datetime.now(UTC)
        with reaching():
            records = self._journal.look_up(mail_ids) if mail_ids else []
        return [
            happened_to(record, now)
            for record in records
            if record and self._told.is_news(record) and self._wanted.has(record)
        ]

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    def _all(self) -> Iterator[list[Record]]:
        with reaching():
            names = cast("Iterable[bytes]", self._redis.scan_iter(f"{MAIL}*", count=_A_LOOK))
            for together in _lots(names):
                ids = [name.decode("utf-8", "replace").removeprefix(MAIL) for name in together]
                yield [record for record in self._journal.look_up(ids) if record]


def _lots(names: Iterable[bytes]) -> Iterator[list[bytes]]:
    lot: list[bytes] = []
    for name in names:
        lot.append(name)
        if len(lot) == _A_LOOK:
            yield lot
            lot = []
    if lot:
        yield lot


def happened_to(record: Record, otherwise: datetime) -> Happened:
    """Return a mail with the moment of its end; *otherwise* is the moment of one that has not ended."""
    return Happened((record.result and record.result.finished_at) or otherwise, record)
