"""Access tokens that are fetched when they are needed, and kept until shortly before they expire."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tasks.contract.codes import Phase
from tasks.smtp.faults import time_over

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import SecretStr

    from tasks.deadline import Deadline

#: Seconds before its end at which a token is no longer used: a long queue must not outlive it.
MARGIN: Final = 300.0

# A token that was refused although it is this young will not be bettered by another.
_YOUNG: Final = 5.0


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and the seconds for which it is good."""

    value: SecretStr
    lifetime: float


class TokenCache:
    """Holds one token; threads that need one at the same time wait for a single fetch, within their time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._fetched_at = 0.0

    def get(self, fetch: Callable[[Deadline], Token], deadline: Deadline, *, fresh: bool) -> SecretStr:
        """
        Return the token, from *fetch* where there is none, it ends soon, or a *fresh* one is wanted.

        Raises:
            Failure: whatever *fetch* raises, or no time was left to wait for another's fetch.

        """
        if not self._lock.acquire(timeout=deadline.remaining):
            raise time_over(Phase.AUTH, "an access token")
        try:
            if self._token is None or not self._is_good(self._token, fresh=fresh):
                self._token = fetch(deadline)
                self._fetched_at = self._clock()
            return self._token.value
        finally:
            self._lock.release()

    def _is_good(self, token: Token, *, fresh: bool) -> bool:
        age = self._clock() - self._fetched_at
        # A lifetime that is shorter than the margin is used for its first half.
        return age < (_YOUNG if fresh else max(token.lifetime - MARGIN, token.lifetime / 2))
