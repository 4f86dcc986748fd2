"""Rows that a run left behind under way: what became of them since, and an end to those that still wait."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from producers.password_reset.batch.records import RowState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from producers.password_reset.batch.records import RowRecord
    from producers.password_reset.batch.runner import Desk
    from producers.password_reset.batch.store import Store

_RUN: Final = 500
_CANCELLED: Final = "cancelled before it was handed in"


def catch_up(store: Store, desk: Desk, job_id: str) -> None:
    """
    Note the outcomes that the journal knows and the job does not, since its run was stopped.

    Raises:
        QueueUnavailable: the journal is away.
        redis.RedisError: as above.
    """
    for run in _under_way(store, job_id):
        _note(store, desk, job_id, run)


def cancel_waiting(store: Store, desk: Desk, job_id: str) -> None:
    """
    Cancel the rows that wait, whether a run of the job is alive or not, and note what became of them.

    Raises:
        QueueUnavailable: the journal is away.
        redis.RedisError: as above.
    """
    for run in _under_way(store, job_id):
        for record in run:
            desk.cancel(record.mail_id)
        unknown = _note(store, desk, job_id, run)
        now = round(time.time())
        store.note(
            job_id,
            [replace(each, state=RowState.SKIPPED, at=now, message=_CANCELLED) for each in unknown],
        )


def _under_way(store: Store, job_id: str) -> Iterator[Sequence[RowRecord]]:
    queued = [record for record in store.records(job_id) if record.state is RowState.QUEUED]
    for first in itertools.count(0, _RUN):
        run = queued[first : first + _RUN]
        if not run:
            return
        yield run


def _note(store: Store, desk: Desk, job_id: str, run: Sequence[RowRecord]) -> list[RowRecord]:
    """Note the outcomes of *run*; return the rows of which the journal knows nothing."""
    found = desk.look_up([record.mail_id for record in run])
    now = round(time.time())
    pairs = list(zip(run, found, strict=True))
    store.note(
        job_id,
        [
            record.settled(known.state, known.result, at=now)
            for record, known in pairs
            if known and known.result
        ],
    )
    return [record for record, known in pairs if known is None]
