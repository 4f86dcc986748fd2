"""What requests bring to the desk, and what they take away."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from producers.web.keys import Key
    from producers.web.letters import Letter
    from producers.web.rates import Allowance
    from tasks.contract.status import MailState
    from tasks.journal.records import Accepted, Record

#: Bytes up to which a request counts as one.
_ORDINARY_SIZE: Final = 64 * 1024


def cost_of(size: int) -> int:
    """Return as how many ordinary requests one of *size* bytes counts, since Redis must keep them all."""
    return max(1, math.ceil(size / _ORDINARY_SIZE))


@dataclass(frozen=True, slots=True)
class Parcel:
    """What one request of *size* bytes hands in: letters that share a key, a lane and a due time."""

    letters: tuple[Letter, ...]
    size: int

    @property
    def key(self) -> Key:
        """Who hands it in."""
        return self.letters[0].key

    @property
    def cost(self) -> int:
        """How much of a key's rate it takes, and of a run it makes."""
        return max(len(self.letters), cost_of(self.size))


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to a `Parcel`: an answer for each letter, none where the key has gone too fast."""

    allowance: Allowance
    accepted: tuple[Accepted, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """Where a mail stands, asked by a key."""

    key: Key
    mail_id: str
    is_counted: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer to a `Question`; no record where the mail is not the key's, or long past."""

    allowance: Allowance
    record: Record | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which mails are looked for, newest first: those *before* a moment, of a reference, in a state."""

    size: int
    before: int | None = None
    reference: str | None = None
    state: MailState | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A page of mails, and the moment before which the next one begins; None at the end."""

    records: tuple[Record, ...]
    before: int | None
