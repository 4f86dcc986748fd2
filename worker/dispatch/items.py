"""What senders carry: errands, which are mails, and chores, which are all other tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from tasks.delivery.job import Job, Verdict
    from tasks.delivery.mail import Mail
    from tasks.send_email import DiscreetRequest

#: The way of everything that is no mail; its items are carried one by one.
CHORES: Final = "chores"
#: The way of mails whose workers died; one of them is carried at a time.
SUSPECTS: Final = "suspects"


@dataclass(slots=True, eq=False)
class Errand:
    """
    A mail on its way through this process.

    *mail* is set once it was taken up; from then on the journal knows that it is in these hands. *setbacks*
    counts the turns that ended without anybody knowing why. *accepted_at* is on the monotonic clock.
    """

    request: DiscreetRequest
    job: Job
    way: Hashable
    lane: str
    mail: Mail | None = None
    accepted_at: float = 0.0
    setbacks: int = 0
    is_reported: bool = False
    is_suspect: bool = False


@dataclass(slots=True, eq=False)
class Chore:
    """A task that is no mail; *work* runs it and never raises."""

    work: Callable[[], object]
    lane: str
    way: Hashable = CHORES


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an errand, and the seconds that it took."""

    errand: Errand
    verdict: Verdict
    seconds: float
