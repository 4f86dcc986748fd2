"""Beginning rows again that an operator wants to be tried once more."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Literal

from producers.password_reset.batch.records import RowRecord, RowState

if TYPE_CHECKING:
    from producers.password_reset.batch.store import Store


def begin_again(store: Store, job_id: str, *, only: Literal["transient", "unknown"]) -> int:
    """
    Let failed rows be begun once more, each as a mail of its own, and return how many.

    "transient" are those whose failure may pass, "unknown" those that may have been sent: their users may
    get a second mail.

    Raises:
        redis.RedisError: Redis cannot be reached; rows that were not reached stay as they are.
    """
    chosen = [record for record in store.records(job_id) if _is_chosen(record, only)]
    now = round(time.time())
    again = [
        RowRecord(record.line, str(uuid.uuid4()), RowState.QUEUED, now, attempt=record.attempt + 1)
        for record in chosen
    ]
    for first in range(0, len(again), 500):
        store.note(job_id, again[first : first + 500])
    return len(again)


def _is_chosen(record: RowRecord, only: str) -> bool:
    if only == "unknown":
        return record.state is RowState.UNKNOWN
    return record.state is RowState.FAILED and record.is_transient
