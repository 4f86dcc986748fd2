"""When to hand in what has been gathered."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

#: Messages that share a round trip.
BATCH: Final = 500

#: Characters, so that large mails do not fill the memory.
LARGEST: Final = 4 * 1024 * 1024

#: Seconds, so that a slow source does not hold up the mails that it gave.
LONGEST: Final = 0.5


@dataclass(slots=True)
class Measure:
    """How much of many mails has been gathered: their number, the characters in them, and since when."""

    count: int = 0
    size: int = 0
    began: float = field(default_factory=time.monotonic)

    def add(self, message: object) -> None:
        """Count a mail, which may be anything that somebody took for one."""
        self.count += 1
        if isinstance(message, Mapping):
            self.size += sum([len(text) for text in message.values() if isinstance(text, str)])

    @property
    def is_full(self) -> bool:
        """Whether it is enough for a round trip."""
        return self.count >= BATCH or self.size >= LARGEST or time.monotonic() - self.began >= LONGEST
