"""The last moment of a delivery, on the monotonic clock."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Deadline:
    """
    One wall-clock budget shared by everything that a mail waits for.

    Every DNS query, connect, handshake, command, reply and pause asks *remaining* and never takes longer;
    so the budget holds whatever the peer does. Seconds throughout; the wire's milliseconds end here.
    """

    at: float
    budget: float
    clock: Callable[[], float] = field(default=time.monotonic, repr=False, compare=False)

    @classmethod
    def after(
        cls, seconds: float, *, budget: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> Deadline:
        """
        Return the deadline *seconds* from now.

        *budget* is the whole Timeout where some of it is already used up (a mail that was put back).
        """
        return cls(clock() + seconds, seconds if budget is None else budget, clock)

    @property
    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.at - self.clock())

    @property
    def is_over(self) -> bool:
        """Whether nothing is left."""
        return self.clock() >= self.at

    @property
    def reserve(self) -> float:
        """Seconds that must be left for DATA to be begun: 5 s or a fifth of the budget, whichever is less."""
        return min(5.0, self.budget * 0.2)

    def sooner(self, seconds: float) -> Deadline:
        """Return the earlier of this deadline and the moment *seconds* from now."""
        return Deadline(min(self.at, self.clock() + seconds), self.budget, self.clock)
