"""Results as Celery's Redis backend has them, written in the step in which the journal gets them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, TypeAlias

#: What stands before their ids in the keys, the seconds for which they are kept, and what they say, with
#: a %s for the result and one for the id, each as JSON text.
Copy: TypeAlias = "tuple[str, int, str]"

_ENTRY: Final = (
    '{"status":"SUCCESS","result":%%s,"traceback":null,"children":[],"date_done":"%s","task_id":%%s}'
)

#: For steps that end nothing.
NO_COPY: Final[Copy] = ("", 0, "")


@dataclass(frozen=True, slots=True)
class ResultCopies:
    """
    Makes the entries that `AsyncResult` reads, under *prefix* and for *lifetime* seconds.

    Only for a worker whose result backend is the journal's Redis: there one step writes both, so that no mail
    costs a round trip for its copy, and nobody ever sees the one without the other.
    """

    prefix: str
    lifetime: int

    def now(self) -> Copy:
        """Return what makes results of this moment into Celery's entries."""
        seconds, microseconds = divmod(time.time_ns() // 1000, 1_000_000)
        done = f"{_second(seconds)}.{microseconds:06}+00:00"
        return self.prefix, self.lifetime, _ENTRY % done


@lru_cache(maxsize=1)
def _second(seconds: int) -> str:
    """Return the second as ISO 8601 has it; kept, because datetime needs three microseconds for it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
