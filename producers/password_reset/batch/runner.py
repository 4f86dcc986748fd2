"""Running a job: rows in, outcomes out, never more under way than agreed, and stoppable at any moment."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

from producers.password_reset.batch.flow import Tolerance, Watch
from producers.password_reset.batch.records import RowRecord, RowState, mail_id_of
from producers.password_reset.batch.store import JobState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from producers.password_reset.batch.checking import Usable
    from producers.password_reset.batch.pacing import Pace
    from producers.password_reset.batch.store import Store
    from tasks.contract.password_reset import PasswordReset
    from tasks.journal.records import Record

#: Rows that share a round trip.
_RUN: Final = 100
#: Seconds for which the journal surely remembers a mail; after that, nobody knows what became of a claim.
_REMEMBERED: Final = 20 * 3600
_FORGOTTEN: Final = "begun by a run that died, and the journal has forgotten it since; it may have been sent"
#: Seconds between looks at rows under way, at least and at most.
_PAUSES: Final = (0.05, 0.5)


class Desk(Protocol):
    """Where resets are asked for and looked up; `Resets` is one."""

    def for_rows(self, rows: Sequence[tuple[str, PasswordReset]]) -> None:
        """Ask for resets, each under its mail id."""

    def look_up(self, mail_ids: Sequence[str]) -> list[Record | None]:
        """Return what is known about mails."""

    def cancel(self, mail_id: str) -> None:
        """Cancel a mail if it waits."""


class Ending(StrEnum):
    """How a run of a job ended."""

    DONE = "done"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come: rows that were begun before, settled now, and under way."""

    earlier: int
    settled: dict[RowState, int]
    under_way: int


@dataclass(slots=True)
class Runner:
    """
    Runs one job; several runners may share it, for each row is claimed by one of them.

    *in_flight* is how many rows may be under way. *told_to_stop* is asked between steps; what is under way
    then goes on without this process, and the next run finds its outcome.
    """

    job_id: str
    store: Store
    desk: Desk
    pace: Pace
    in_flight: int = 500
    tolerance: Tolerance = field(default_factory=Tolerance)
    told_to_stop: Callable[[], bool] = lambda: False
    tell: Callable[[Progress], object] = lambda _: None
    sleep: Callable[[float], object] = time.sleep
    now: Callable[[], float] = time.time
    _watch: Watch = field(init=False)
    _under_way: dict[str, RowRecord] = field(default_factory=dict)
    _settled: dict[RowState, int] = field(default_factory=lambda: dict.fromkeys(RowState, 0))
    _earlier: int = 0

    def __post_init__(self) -> None:
        self._watch = Watch(self.tolerance)

    def run(self, rows: Iterator[Usable]) -> Ending:
        """
        Bring *rows* to their outcomes; return why there is nothing more to do now.

        Raises:
            QueueUnavailable: the queue is away; the job resumes when it is run again.
            redis.RedisError: as above.
        """
        pauses = itertools.chain([_PAUSES[0]] * 20, itertools.repeat(_PAUSES[1]))
        while True:
            if self.told_to_stop():
                return Ending.INTERRUPTED
            state = self._state()
            is_fed = state is JobState.RUNNING and self._feed(rows)
            is_moving = self._collect()
            self.tell(Progress(self._earlier, dict(self._settled), len(self._under_way)))
            if not is_fed and not self._under_way:
                return self._ended(state)
            if state is JobState.CANCELLED:
                self._cancel()
            if is_moving:
                pauses = itertools.chain([_PAUSES[0]] * 20, itertools.repeat(_PAUSES[1]))
            elif not is_fed or len(self._under_way) >= self.in_flight:
                self.sleep(next(pauses))

    def _state(self) -> JobState:
        job = self.store.job(self.job_id)
        return job.state if job else JobState.CANCELLED

    def _ended(self, state: JobState) -> Ending:
        if state is JobState.RUNNING:
            # A row that was settled last may have paused the job.
            state = self._state()
        if state is JobState.RUNNING:
            self.store.set_state(self.job_id, JobState.DONE)
            return Ending.DONE
        return Ending.CANCELLED if state is JobState.CANCELLED else Ending.PAUSED

    def _feed(self, rows: Iterator[Usable]) -> bool:
        """Begin rows as long as there is room; False when there are none left."""
        room = min(_RUN, self.in_flight - len(self._under_way))
        if room <= 0:
            return True
        run = list(itertools.islice(rows, room))
        mine = self._claim(run)
        # Rows that are not handed in stay claimed, and the next run hands them in.
        while mine and not self.told_to_stop() and self._state() is JobState.RUNNING:
            granted, wait = self.pace.take(len(mine))
            self._hand_in(mine[:granted])
            mine = mine[granted:]
            if mine:
                self._collect()
                self.sleep(min(wait, _PAUSES[1]))
        return bool(run)

    def _claim(self, run: Sequence[Usable]) -> list[tuple[RowRecord, PasswordReset]]:
        now = round(self.now())
        claims = [
            RowRecord(each.row.line, mail_id_of(self.job_id, each.row.key), RowState.QUEUED, now)
            for each in run
        ]
        mine: list[tuple[RowRecord, PasswordReset]] = []
        for each, claim, before in zip(run, claims, self.store.claim(self.job_id, claims), strict=True):
            if before is None:
                mine.append((claim, each.reset))
            elif before.state is not RowState.QUEUED:
                self._earlier += 1
            elif now - before.at < _REMEMBERED:
                mine.append((before, each.reset))
            else:
                self._resolve(before)
        return mine

    def _resolve(self, claim: RowRecord) -> None:
        """Settle a claim that is older than the journal's memory."""
        [record] = self.desk.look_up([claim.mail_id])
        if record:
            self._under_way[claim.mail_id] = claim
        else:
            self._settle([replace(claim, state=RowState.UNKNOWN, code=690, message=_FORGOTTEN)])

    def _hand_in(self, mine: Sequence[tuple[RowRecord, PasswordReset]]) -> None:
        if mine:
            self.desk.for_rows([(record.mail_id, reset) for record, reset in mine])
            self._under_way.update((record.mail_id, record) for record, _ in mine)

    def _collect(self) -> bool:
        """Settle the rows whose mails have a result; return whether there were any."""
        mail_ids = list(self._under_way)
        found = self.desk.look_up(mail_ids) if mail_ids else []
        now = round(self.now())
        settled = []
        for mail_id, record in zip(mail_ids, found, strict=True):
            if record and record.result:
                settled.append(self._under_way.pop(mail_id).settled(record.state, record.result, at=now))
        self._settle(settled)
        return bool(settled)

    def _settle(self, records: Sequence[RowRecord]) -> None:
        self.store.note(self.job_id, records)
        for record in records:
            self._settled[record.state] += 1
            why = self._watch.see(record)
            if why and self._state() is JobState.RUNNING:
                self.store.set_state(self.job_id, JobState.PAUSED, why=why)

    def _cancel(self) -> None:
        for mail_id in list(self._under_way):
            self.desk.cancel(mail_id)
