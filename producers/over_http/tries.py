"""How often a request is sent, and when; free of any clockwork, so that threads and event loops share it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from producers.errors import QueueUnavailable, RateLimited
from tasks.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Generator

    from producers.over_http.replies import Reply

logger = logging.getLogger(__name__)

#: Seconds that a request may take in all, as long as it is not large.
LONGEST: Final = 6.0
#: Bytes for which a large request gets a second more.
_A_SECOND: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Ask:
    """
    A request to the gateway.

    It may take *seconds*, and *patience* more while the API key has no allowance. *is_repeatable* says that
    it does the same if it comes twice. One that *holds* is answered late on purpose.
    """

    method: str
    path: str
    options: dict[str, Any]
    seconds: float = LONGEST
    patience: float = 0.0
    is_repeatable: bool = True
    holds: bool = False


class Try(NamedTuple):
    """Pause, then send the request and have the answer, both in seconds."""

    pause: float
    within: float


@dataclass(frozen=True, slots=True)
class Lost:
    """What came of a try that had no answer: *why*, and whether the request may have arrived."""

    why: str
    may_have_arrived: bool


def seconds_for(size: int) -> float:
    """Return how long a request of *size* bytes may take."""
    return LONGEST + size / _A_SECOND


def tries(ask: Ask) -> Generator[Try, Reply | Lost, Reply]:
    """
    Say when to send *ask*; take what came of it; return the answer.

    Where the answer is lost the request is repeated once, if that is safe. Where the API key has used up its
    allowance it is repeated as the gateway says, as long as there is time.

    Raises:
        QueueUnavailable: there was no answer, or only that the queue is away.
        RateLimited: there is no allowance in time.
    """
    deadline = Deadline.after(ask.seconds + ask.patience)
    may_repeat, pause = ask.is_repeatable, 0.0
    while True:
        outcome = yield Try(pause, min(ask.seconds, deadline.remaining - pause))
        if isinstance(outcome, Lost):
            if not (may_repeat and outcome.may_have_arrived) or deadline.is_over:
                raise QueueUnavailable(f"the gateway cannot be reached ({outcome.why})")
            logger.info("answer lost", extra={"method": ask.method, "error": outcome.why})
            may_repeat, pause = False, 0.0
        elif outcome.is_away:
            raise QueueUnavailable("the gateway cannot reach the queue, or is busy")
        elif outcome.is_rate_limited:
            pause = outcome.retry_after
            if pause >= deadline.remaining:
                raise RateLimited(pause)
        else:
            return outcome
