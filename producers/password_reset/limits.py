"""How many password resets there may be, and under which names they are counted."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tasks.journal.limits import Limit

if TYPE_CHECKING:
    from tasks.journal.sealing import Seal

_MINUTE: Final = 60.0
_HOUR: Final = 3600.0
_DAY: Final = 24 * _HOUR


@dataclass(frozen=True, slots=True)
class ResetLimits:
    """
    What public requests and the staff may ask for.

    *pause* is the time in seconds in which an account gets one mail of public requests, *per_day* how many it
    gets in a day; *per_source* is how many requests one source may make in an hour, *overall* how many all of
    them may in a minute. Of the staff, *per_target* is how many resets one user gets in an hour, *per_actor*
    how many one actor may ask for in an hour.
    """

    pause: float = 60.0
    per_day: int = 5
    per_source: int = 20
    overall: int = 600
    per_target: int = 5
    per_actor: int = 100


class Names:
    """
    Names for what must not be read in Redis: keyed hashes where there is a key.

    Without one they are plain hashes, which somebody who can read Redis can try out.
    """

    def __init__(self, seal: Seal | None) -> None:
        self._seal = seal

    def of(self, kind: str, value: str) -> str:
        """Return what stands for *value*, the same for equal values of a *kind*: 64 hexadecimal digits."""
        text = value.encode()
        return self._seal.names(kind, text)[0] if self._seal else hashlib.sha256(text).hexdigest()


def of_requester(limits: ResetLimits, *, account: str, source: str) -> list[Limit]:
    """Return the limits of a public request, given the names of its account and of its source."""
    return [
        Limit(f"account:pause:{account}", 1, limits.pause),
        Limit(f"account:day:{account}", limits.per_day, _DAY),
        Limit(f"source:{source}", limits.per_source, _HOUR),
        Limit("overall", limits.overall, _MINUTE),
    ]


def of_staff(limits: ResetLimits, *, target: str, actor: str) -> list[Limit]:
    """Return the limits of a request by somebody of the staff, given the names of target and actor."""
    return [
        Limit(f"target:{target}", limits.per_target, _HOUR),
        Limit(f"actor:{actor}", limits.per_actor, _HOUR),
    ]
