"""
What is known about a job and each of its rows, in Redis: so that it resumes wherever it was stopped.

A row is claimed before its mail is handed in and settled when the mail has its result. What a row says is
not kept: only its line, its mail's id, and what came of it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from producers.password_reset.batch.records import RowRecord, RowState
from producers.password_reset.batch.scripts import named
from tasks.journal.scripts import Call, run_script

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from redis import Redis

_CLAIM: Final = named("claim")
_JOB: Final = "postroom:batch:"
#: Seconds that a job is remembered after its last change: thirty days.
RETENTION: Final = 30 * 24 * 3600


class JobState(StrEnum):
    """Whether a job may go on."""

    RUNNING = "running"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Job:
    """
    A job: where it stands, why if it was paused, and how many of its file's rows it is to do.

    *wish* is what all of them have in common, as the first run was told, so that a retry is the same mail.
    """

    job_id: str
    state: JobState
    why: str = ""
    rows: int = 0
    actor: str = ""
    wish: Mapping[str, Any] = field(default_factory=dict)


class Store:
    """
    The jobs in one Redis.

    Every method raises `redis.RedisError` when it cannot be reached.
    """

    def __init__(self, redis: Redis, *, retention: int = RETENTION) -> None:
        self._redis = redis
        self._retention = retention

    def open(self, job: Job) -> Job:
        """Begin *job*, or return it as an earlier run left it, to do as many rows as *job* says."""
        key = _JOB + job.job_id
        pipeline = self._redis.pipeline(transaction=True)
        for name, value in _fields(job).items():
            pipeline.hsetnx(key, name, value)
        pipeline.hset(key, "rows", str(job.rows))
        pipeline.expire(key, self._retention)
        pipeline.execute()
        return self.job(job.job_id) or job

    def job(self, job_id: str) -> Job | None:
        """Return what is known about a job, None where there is none."""
        found = self._redis.hgetall(_JOB + job_id)
        return _job(job_id, found) if found else None

    def set_state(self, job_id: str, state: JobState, *, why: str = "") -> None:
        """Let a job go on, or not, and note why."""
        self._redis.hset(_JOB + job_id, mapping={"state": state, "why": why})
        self._redis.expire(_JOB + job_id, self._retention)

    def claim(self, job_id: str, records: Sequence[RowRecord]) -> list[RowRecord | None]:
        """Claim rows; None for each that is now the caller's, else what stands there."""
        if not records:
            return []
        rows = self._rows(job_id)
        calls = [Call((rows,), (str(record.line), record.encode())) for record in records]
        found = run_script(self._redis, _CLAIM, calls)
        self._redis.expire(self._rows(job_id), self._retention)
        return [
            RowRecord.decode(record.line, before) if before else None
            for record, before in zip(records, found, strict=True)
        ]

    def note(self, job_id: str, records: Sequence[RowRecord]) -> None:
        """Note what became of rows."""
        if records:
            mapping: Mapping[Any, Any] = {str(record.line): record.encode() for record in records}
            self._redis.hset(self._rows(job_id), mapping=mapping)

    def records(self, job_id: str) -> Iterator[RowRecord]:
        """Yield the records of a job's rows, in no order, some perhaps twice while it runs."""
        for line, stored in self._redis.hscan_iter(self._rows(job_id), count=1000):
            yield RowRecord.decode(int(line), stored)

    def counts(self, job_id: str) -> dict[RowState, int]:
        """Return how many rows stand where."""
        counted = dict.fromkeys(RowState, 0)
        for state in {record.line: record.state for record in self.records(job_id)}.values():
            counted[state] += 1
        return counted

    def _rows(self, job_id: str) -> str:
        return f"{_JOB}{job_id}:rows"


def _fields(job: Job) -> dict[str, str]:
    return {
        "state": job.state.value,
        "why": job.why,
        "rows": str(job.rows),
        "actor": job.actor,
        "wish": json.dumps(dict(job.wish)),
    }


def _job(job_id: str, found: Mapping[Any, Any]) -> Job:
    text = {name.decode(): value.decode() for name, value in found.items()}
    return Job(
        job_id,
        JobState(text["state"]),
        text.get("why", ""),
        int(text.get("rows", "0")),
        text.get("actor", ""),
        json.loads(text.get("wish", "{}")),
    )
