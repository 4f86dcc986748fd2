"""From what a delivery ended with to the outputs that callers poll. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from tasks.contract.codes import LocalCode, Phase
from tasks.contract.result import Attempt, Delivery, RecipientOutcome, SendEmailResult
from tasks.contract.status import MailState
from tasks.delivery.redaction import redact
from tasks.failures import Expired, Failure, Reply, TransientFailure, Unconfirmed
from tasks.journal.standings import STATE_OF, Standing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tasks.delivery.progress import Progress

UNKNOWN_REPLY: Final = Reply(
    LocalCode.UNKNOWN,
    "The server received the whole message but its answer never arrived; it may have been delivered. "
    "Not sent again.",
)


@dataclass(frozen=True, slots=True)
class Ending:
    """
    Everything that a delivery ended with.

    *failure* is the last one, None where the server accepted the mail for the last open recipients. *masked*
    are the recipients as a result may show them, in input order. *notes* are sentences for the message.
    """

    progress: Progress
    masked: tuple[str, ...]
    failure: Failure | None
    phase: Phase | None
    attempts: tuple[Attempt, ...]
    accepted_at: datetime
    finished_at: datetime
    message_id: str | None = None
    queue_id: str | None = None
    body: str = field(default="", repr=False)
    notes: tuple[str, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict, repr=False)


def conclude(ending: Ending) -> SendEmailResult:
    """Return the result of a delivery."""
    delivery = _delivery(ending)
    reply = _deciding(ending, delivery)
    phase = ending.failure.phase if ending.failure else ending.phase
    return SendEmailResult(
        success=delivery is Delivery.SENT,
        code=reply.code,
        message=_message(ending, reply, phase),
        delivery=delivery,
        retryable=delivery is Delivery.NOT_SENT and isinstance(ending.failure, TransientFailure),
        source=_source(reply),
        enhanced_status=reply.enhanced_status,
        phase=phase,
        message_id=ending.message_id,
        queue_id=ending.queue_id,
        attempts=ending.attempts,
        recipients=_recipients(ending),
        metadata=ending.metadata,
        enqueued_at=ending.accepted_at,
        finished_at=ending.finished_at,
    )


def state_of(ending: Ending, result: SendEmailResult) -> MailState:
    """Return the state in which the mail is polled; one that may have been sent did not expire."""
    if result.delivery is Delivery.NOT_SENT and isinstance(ending.failure, Expired):
        return MailState.EXPIRED
    return MailState(result.delivery.value)


def _delivery(ending: Ending) -> Delivery:
    progress = ending.progress
    # A password reset that cannot be written again names nobody, and may have been sent all the same.
    is_unwritten = not progress.recipients and isinstance(ending.failure, Unconfirmed)
    if is_unwritten or progress.having(Standing.DOUBTFUL, Standing.SUSPECT):
        return Delivery.UNKNOWN
    accepted = len(progress.having(Standing.ACCEPTED))
    if not accepted:
        return Delivery.NOT_SENT
    return Delivery.SENT if accepted == len(progress.recipients) else Delivery.PARTIAL


def _deciding(ending: Ending, delivery: Delivery) -> Reply:
    """Return the reply that decided: for a partial delivery the worst refusal, 5yz before 4yz."""
    progress = ending.progress
    if delivery is Delivery.UNKNOWN:
        is_told = isinstance(ending.failure, Unconfirmed)
        return ending.failure.reply if is_told and ending.failure else UNKNOWN_REPLY
    if delivery is Delivery.NOT_SENT and ending.failure:
        return ending.failure.reply
    accepted = progress.having(Standing.ACCEPTED)
    refusals = [progress.reply_to(r) for r in progress.recipients if r not in accepted]
    if refusals:
        return max(refusals, key=lambda reply: (not reply.is_local, reply.code))
    return progress.reply_to(progress.recipients[-1])


def _message(ending: Ending, reply: Reply, phase: Phase | None) -> str:
    text = " ".join(part for part in (reply.enhanced_status, redact(reply.text, body=ending.body)) if part)
    count = len(ending.attempts)
    facts = [f"phase {phase}"] if phase and phase is not Phase.FINAL else []
    facts += [f"{count} attempt{'' if count == 1 else 's'}"] if count else []
    parts = [f"{text} ({', '.join(facts)})" if facts else text, *ending.notes]
    if ending.failure and ending.failure.hint:
        parts.append(ending.failure.hint)
    return " ".join(part if part.endswith((".", "!", "?", ")")) else f"{part}." for part in parts if part)


def _source(reply: Reply) -> Literal["server", "local"]:
    return "local" if reply.is_local else "server"


def _recipients(ending: Ending) -> tuple[RecipientOutcome, ...]:
    progress = ending.progress
    return tuple(
        RecipientOutcome(
            address=masked,
            state=STATE_OF[standing],
            code=reply.code,
            message=redact(reply.text, body=ending.body),
        )
        for recipient, masked in zip(progress.recipients, ending.masked, strict=True)
        for standing in [progress.standing_of(recipient)]
        for reply in [_reply_for(ending, recipient)]
    )


def _reply_for(ending: Ending, recipient: str) -> Reply:
    """Return what the recipient was told; one that was never asked shares the mail's failure."""
    own = ending.progress.reply_to(recipient)
    return ending.failure.reply if own.code == 0 and ending.failure else own


def attempt_of(reply: Reply, *, at: datetime, body: str) -> Attempt:
    """Return the record of a try that ended with *reply*."""
    status = f"{reply.enhanced_status} " if reply.enhanced_status else ""
    return Attempt(at=at, code=reply.code, message=status + redact(reply.text, body=body))


def history_json(attempts: Sequence[Attempt]) -> str:
    """Return *attempts* as JSON text for the journal."""
    return "[" + ",".join(attempt.model_dump_json() for attempt in attempts) + "]"
