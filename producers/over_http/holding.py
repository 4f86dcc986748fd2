"""Waiting for a result whose gateway holds its answers back, so that few questions are enough."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, NamedTuple

from producers.errors import WaitTimeout

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from tasks.contract.result import SendEmailResult
    from tasks.contract.status import MailStatus

#: Seconds that one answer is held back at most, which is shorter than what proxies put up with.
_LONGEST: Final = 20.0
#: Seconds to pause where an answer was not held back though it might have been.
_PAUSE: Final = 0.5


class Look(NamedTuple):
    """Pause, then ask where the mail stands and let the answer be held back, both in seconds."""

    pause: float
    hold: float


def holding(
    timeout: float, *, clock: Callable[[], float] = time.monotonic
) -> Generator[Look, MailStatus, SendEmailResult]:
    """
    Say how long to pause and how long to have the answer held back; take what was seen; return the result.

    Raises:
        WaitTimeout: *timeout* seconds are over.
    """
    deadline = clock() + timeout
    pause = 0.0
    while True:
        hold = max(0.0, min(_LONGEST, deadline - clock() - pause))
        began = clock()
        status = yield Look(pause, hold)
        if status.result is not None:
            return status.result
        now = clock()
        if now >= deadline:
            raise WaitTimeout(status)
        # A gateway that is told to stop, or may not hold answers back, does so at once.
        is_held = now - began >= min(hold, _PAUSE)
        pause = 0.0 if is_held else min(_PAUSE, deadline - now)
