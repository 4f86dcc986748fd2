"""The result of a mail that is cancelled. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.contract.codes import LocalCode
from tasks.contract.result import CANCELLED, Delivery, RecipientOutcome, SendEmailResult
from tasks.contract.status import MailState
from tasks.journal.standings import STATE_OF, Standing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tasks.contract.parameters import SendEmail
    from tasks.journal.snapshots import Snapshot

#: Stands for a recipient whose address cannot be read here, so that the positions stay right.
_NO_ADDRESS: Final = "?"
_STATE_OF: Final = {Delivery.PARTIAL: MailState.PARTIAL, Delivery.UNKNOWN: MailState.UNKNOWN}
_WORDS: Final = {
    Standing.OPEN: "cancelled before it was sent",
    Standing.REFUSED: "refused before the mail was cancelled",
    Standing.ACCEPTED: "accepted before the mail was cancelled",
    Standing.DOUBTFUL: "may have been delivered before the mail was cancelled",
    Standing.SUSPECT: "may have been delivered before the mail was cancelled",
}


def cancel(mail: Snapshot, request: SendEmail | None, *, at: datetime) -> tuple[MailState, SendEmailResult]:
    """
    Return state and result of the waiting mail *mail* when it is cancelled at the moment *at*.

    *request* are its parameters, None where they cannot be read here: then nobody is listed by address.
    What a server has accepted, or may have, is not unsaid: such a mail ends as partial or unknown.
    """
    standings = _standings(mail, request)
    delivery = _delivery([standing for standing, _ in standings])
    result = SendEmailResult(
        success=False,
        code=LocalCode.UNKNOWN if delivery is Delivery.UNKNOWN else LocalCode.CANCELLED,
        message=_message(delivery, standings, len(mail.attempts)),
        delivery=delivery,
        retryable=False,
        source="local",
        attempts=mail.attempts,
        recipients=_recipients(standings, request),
        metadata=dict(request.metadata) if request else {},
        enqueued_at=mail.accepted_at,
        finished_at=at,
    )
    return _STATE_OF.get(delivery, MailState.CANCELLED), result


def _standings(mail: Snapshot, request: SendEmail | None) -> Sequence[tuple[Standing, int]]:
    if not mail.standings and request:
        return [(Standing.OPEN, 0)] * len(request.recipients)
    return mail.standings


def _delivery(standings: Sequence[Standing]) -> Delivery:
    if {Standing.DOUBTFUL, Standing.SUSPECT} & set(standings):
        return Delivery.UNKNOWN
    return Delivery.PARTIAL if Standing.ACCEPTED in standings else Delivery.NOT_SENT


def _message(delivery: Delivery, standings: Sequence[tuple[Standing, int]], attempts: int) -> str:
    tried = f" ({attempts} attempt{'' if attempts == 1 else 's'})" if attempts else ""
    if delivery is Delivery.UNKNOWN:
        return (
            f"{CANCELLED}{tried}; the server received the whole message before, but its answer never "
            "arrived: it may have been delivered."
        )
    if delivery is Delivery.PARTIAL:
        accepted = sum(standing is Standing.ACCEPTED for standing, _ in standings)
        return f"{CANCELLED}{tried}; {accepted} of {len(standings)} recipients had been accepted before."
    return f"{CANCELLED} before it was sent{tried}."


def _recipients(
    standings: Sequence[tuple[Standing, int]], request: SendEmail | None
) -> tuple[RecipientOutcome, ...]:
    masked = [mailbox.masked for mailbox in request.recipients] if request else []
    if len(masked) != len(standings):
        masked = [_NO_ADDRESS] * len(standings)
    return tuple(
        RecipientOutcome(
            address=address,
            state=STATE_OF[standing],
            code=LocalCode.CANCELLED if standing is Standing.OPEN else code,
            message=_WORDS[standing],
        )
        for address, (standing, code) in zip(masked, standings, strict=True)
    )
