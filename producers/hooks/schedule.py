"""When a delivery that failed is tried again, and when no more."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_MINUTE: Final = 60.0
_HOUR: Final = 3600.0
#: Seconds from one attempt to the next: 13 attempts in about a day.
WAITS: Final = (
    5.0,
    30.0,
    2 * _MINUTE,
    5 * _MINUTE,
    15 * _MINUTE,
    30 * _MINUTE,
    _HOUR,
    2 * _HOUR,
    *(5 * _HOUR,) * 4,
)
#: What fails together shall not come again together.
_SPREAD: Final = 0.2


def wait_after(
    attempt: int,
    *,
    asked_for: float | None = None,
    draw: Callable[[float, float], float] = random.uniform,
) -> float | None:
    """
    Return the seconds to wait after the failed *attempt* (from 1), None where it was the last.

    *asked_for* is what the receiver asks for; it makes a wait longer, up to the longest, and never shorter.
    """
    if attempt > len(WAITS):
        return None
    wait = max(WAITS[attempt - 1], min(asked_for or 0.0, WAITS[-1]))
    return wait * draw(1.0, 1.0 + _SPREAD)
