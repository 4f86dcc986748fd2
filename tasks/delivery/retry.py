"""When to try again: the only module that knows tenacity."""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import tenacity
from redis.exceptions import RedisError

from tasks import loops
from tasks.failures import TransientFailure

if TYPE_CHECKING:
    from collections.abc import Callable

    from tasks.deadline import Deadline

T = TypeVar("T")

#: Where the server names a wait, many mails have heard the same number: they scatter over this much more.
_SCATTER = 1.0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """
    How often a mail is tried, and how long the waits between are. Seconds.

    The wait after attempt n is drawn from 0 to *first* · 2ⁿ⁻¹ (full jitter), at most *longest* or an eighth
    of the mail's budget, whichever is more; a wait that the server asked for goes before. The budget is the
    bound that counts, *attempts* only a net under it (docs/decisions/0007). A wait of more than *hold*
    keeps no worker slot: the mail goes back to the journal.
    """

    attempts: int = 50
    first: float = 0.5
    longest: float = 8.0
    hold: float = 3.0

    def wait_after(self, failure: TransientFailure, *, attempt: int, deadline: Deadline) -> float | None:
        """
        Return the wait before the next attempt, or None where none is left or the budget would not hold it.

        *attempt* counts the attempts made, *failure* ended the last one. After the wait there must be time
        left to begin DATA, or the attempt could only fail.

        The mails of a run are tried together but wait each on its own, so tenacity is asked for its decision
        instead of being given the loop.
        """
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(TransientFailure),
            wait=self._wait(failure, deadline),
            stop=lambda state: (
                state.attempt_number >= self.attempts
                or state.upcoming_sleep >= deadline.remaining - deadline.reserve
            ),
            reraise=True,
        )
        retrying.begin()
        state = tenacity.RetryCallState(retrying, fn=None, args=(), kwargs={})
        state.attempt_number = attempt
        state.set_exception((type(failure), failure, failure.__traceback__))
        try:
            decision = retrying.iter(state)
        except TransientFailure:
            return None
        return decision if isinstance(decision, tenacity.DoSleep) else None

    def _wait(self, failure: TransientFailure, deadline: Deadline) -> tenacity.wait.WaitBaseT:
        if failure.retry_after is not None:
            asked_for = failure.retry_after
            return lambda _: asked_for + random.uniform(0, _SCATTER)  # noqa: S311 (scatter, no secret)
        longest = max(self.longest, deadline.budget / 8)
        return tenacity.wait_random_exponential(multiplier=self.first, max=longest)


def persistently(write: Callable[[], T], *, longest: float = 60.0) -> T:
    """
    Return what *write* returns, called again for *longest* seconds while Redis cannot be reached.

    Raises:
        redis.RedisError: Redis was away all the time.
    """
    # Nearly always the first call is the only one, and needs nobody to decide about others.
    with suppress(RedisError):
        return write()
    return tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(RedisError),
        wait=tenacity.wait_random_exponential(multiplier=0.1, max=2.0),
        stop=tenacity.stop_before_delay(longest),
        sleep=loops.sleep,
        reraise=True,
    )(write)
