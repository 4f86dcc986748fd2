"""How the pages name a mail's state, and what they say of it."""

from __future__ import annotations

from typing import Final, NamedTuple

from tasks.contract.result import RecipientState
from tasks.contract.status import MailState


class Wording(NamedTuple):
    """
    What a state is called, and what it means.

    *tone* is the colour; *sign* stands before the name for those who do not see colours.
    """

    name: str
    tone: str
    sign: str
    meaning: str = ""


WORDINGS: Final[dict[str, Wording]] = {
    MailState.QUEUED: Wording("Queued", "busy", "○", "It waits for a worker."),
    MailState.SENDING: Wording("Sending", "busy", "→", "A worker is sending it now."),
    MailState.RETRYING: Wording(
        "Retrying", "doubt", "↻", "The last attempt failed, and another one follows by itself."
    ),
    MailState.SENT: Wording("Sent", "good", "✓", "The mail server took it for every recipient."),
    MailState.PARTIAL: Wording(
        "Partly sent", "doubt", "◐", "The mail server took it for some recipients, and not for others."
    ),
    MailState.NOT_SENT: Wording("Not sent", "bad", "✕", "Nobody got it."),
    MailState.UNKNOWN: Wording(
        "Unknown",
        "doubt",
        "?",
        "The mail server had the whole message, and its answer never came: it may have arrived or not.",
    ),
    MailState.EXPIRED: Wording("Expired", "bad", "✕", "Its time was over before it could be sent."),
    MailState.CANCELLED: Wording("Cancelled", "idle", "⊘", "It was cancelled before it was sent."),
    RecipientState.REFUSED: Wording("Refused", "bad", "✕"),
}
