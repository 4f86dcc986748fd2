"""Results as Celery's Redis backend has them, written in the step in which the journal gets them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

#: Key, what stands before and behind the result, and the seconds for which it is kept.
Copy: TypeAlias = "tuple[str, str, str, int]"

#: For a step that ends nothing.
NO_COPY: Copy = ("", "", "", 0)


@dataclass(frozen=True, slots=True)
class ResultCopies:
    """
    Makes the entries that `AsyncResult` reads, under *prefix* and for *lifetime* seconds.

    Only for a worker whose result backend is the journal's Redis: there one step writes both, so that no mail
    costs a round trip for its copy, and nobody ever sees the one without the other.
    """

    prefix: str
    lifetime: int

    def of(self, mail_id: str) -> Copy:
        """Return what makes the result of *mail_id*, as JSON text, into Celery's entry."""
        head = '{"status":"SUCCESS","result":'
        done = datetime.now(UTC).isoformat()
        tail = f',"traceback":null,"children":[],"date_done":"{done}","task_id":"{mail_id}"}}'
        return self.prefix + mail_id, head, tail, self.lifetime
