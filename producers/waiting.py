"""How long to wait for a result, and how often to look."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from producers.errors import WaitTimeout

if TYPE_CHECKING:
    from collections.abc import Generator

    from tasks.contract.result import SendEmailResult
    from tasks.contract.status import MailStatus

_FIRST_PAUSE: Final = 0.02
_LONGEST_PAUSE: Final = 0.5


def waiting(timeout: float) -> Generator[float, MailStatus, SendEmailResult]:
    """
    Say how long to pause before each look at a mail; take what was seen; return the result.

    Free of any clockwork of its own, so that waiting in a thread and in an event loop are the same code.

    Raises:
        WaitTimeout: *timeout* seconds are over.
    """
    deadline = time.monotonic() + timeout
    pause = _FIRST_PAUSE
    status = yield 0.0
    while status.result is None:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise WaitTimeout(status)
        status = yield min(pause, remaining)
        pause = min(pause * 1.5, _LONGEST_PAUSE)
    return status.result
