"""The names under which a mail travels: the task, its lanes."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

#: The Celery task's name, for producers that enqueue by name.
TASK_NAME: Final = "send_email"


class Lane(StrEnum):
    """The queues, in the order in which a worker empties them; bulk mail never holds up a reset."""

    RESET = "reset"
    DEFAULT = "default"
    BULK = "bulk"
