"""Where each recipient of a mail stands, in the words of the journal: by position, never by address."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from tasks.contract.result import RecipientOutcome, RecipientState

if TYPE_CHECKING:
    from collections.abc import Iterable


class Standing(StrEnum):
    """
    Where a recipient stands.

    *Doubtful* ones were in a transaction whose dot got no answer; *suspect* ones are doubtful ones that are
    tried again all the same, because the caller prefers a second copy to none.
    """

    OPEN = "open"
    SUSPECT = "suspect"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    DOUBTFUL = "doubtful"


#: How a standing is told in a result.
STATE_OF: Final = {
    Standing.ACCEPTED: RecipientState.SENT,
    Standing.REFUSED: RecipientState.REFUSED,
    Standing.DOUBTFUL: RecipientState.UNKNOWN,
    Standing.SUSPECT: RecipientState.UNKNOWN,
    Standing.OPEN: RecipientState.NOT_SENT,
}

#: Where a recipient stands when its mail is sent once more: whoever has a copy gets no other.
_STANDING_AGAIN: Final = {
    RecipientState.SENT: Standing.ACCEPTED,
    RecipientState.UNKNOWN: Standing.SUSPECT,
    RecipientState.REFUSED: Standing.OPEN,
    RecipientState.NOT_SENT: Standing.OPEN,
}


def read_standings(progress: str) -> list[tuple[Standing, int]]:
    """Return standing and last reply code of each recipient, in input order; none where nothing was tried."""
    return [(Standing(standing), code) for standing, code, *_ in json.loads(progress or "[]")]


def progress_again(outcomes: Iterable[RecipientOutcome]) -> str:
    """Return the progress with which a mail is sent once more to those who have no copy."""
    return json.dumps([[_STANDING_AGAIN[o.state], o.code, o.message, None] for o in outcomes])


def progress_in_doubt(recipients: int) -> str:
    """Return the progress of a mail of which nobody knows who has a copy."""
    return json.dumps([[Standing.SUSPECT, 0, "", None]] * recipients)
