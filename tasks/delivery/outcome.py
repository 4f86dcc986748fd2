"""From what a delivery ended with to the outputs that callers poll. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from tasks.contract.codes import LocalCode, Phase
from tasks.contract.result import Attempt, Delivery, RecipientOutcome, SendEmailResult
from tasks.contract.status import MailState
from tasks.contract.unchecked import unchecked
from tasks.delivery.redaction import redact
from tasks.failures import Expired, Failure, Reply, TransientFailure, Unconfirmed
from tasks.journal.standings import STATE_OF, Standing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tasks.delivery.progress import Progress

# What stands in them was made here, and is looked at where it is read again.
_result: Final = unchecked(SendEmailResult)
_outcome: Final = unchecked(RecipientOutcome)
_attempt: Final = unchecked(Attempt)

_IN_DOUBT: Final = frozenset({Standing.DOUBTFUL, Standing.SUSPECT})
_MAIL_STATE: Final = {delivery: MailState(delivery.value) for delivery in Delivery}

UNKNOWN_REPLY: Final = Reply(
    LocalCode.UNKNOWN,
    "The server received the whole message but its answer never arrived; it may have been delivered. "
    "Not sent again.",
)


# Not frozen: each field would cost a call, and nobody keeps one.
@dataclass(slots=True)
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
    return _result(
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
    return _MAIL_STATE[result.delivery]


def _delivery(ending: Ending) -> Delivery:
    standings = set(ending.progress.each)
    # A password reset that cannot be written again names nobody, and may have been sent all the same.
    is_unwritten = not standings and isinstance(ending.failure, Unconfirmed)
    if is_unwritten or not standings.isdisjoint(_IN_DOUBT):
        return Delivery.UNKNOWN
    if Standing.ACCEPTED not in standings:
        return Delivery.NOT_SENT
    return Delivery.SENT if len(standings) == 1 else Delivery.PARTIAL


def _deciding(ending: Ending, delivery: Delivery) -> Reply:
    """Return the reply that decided: for a partial delivery the worst refusal, 5yz before 4yz."""
    progress = ending.progress
    if delivery is Delivery.UNKNOWN:
        is_told = isinstance(ending.failure, Unconfirmed)
        return ending.failure.reply if is_told and ending.failure else UNKNOWN_REPLY
    if delivery is Delivery.NOT_SENT and ending.failure:
        return ending.failure.reply
    if delivery is Delivery.SENT:
        return progress.reply_to(progress.recipients[-1])
    told = zip(progress.each, map(progress.reply_to, progress.recipients), strict=True)
    refusals = [reply for standing, reply in told if standing is not Standing.ACCEPTED]
    return max(refusals, key=lambda reply: (not reply.is_local, reply.code))


def _message(ending: Ending, reply: Reply, phase: Phase | None) -> str:
    parts = [_shown(reply, ending.body)]
    count = len(ending.attempts)
    facts = [f"phase {phase}"] if phase and phase is not Phase.FINAL else []
    facts += [f"{count} attempt{'' if count == 1 else 's'}"] if count else []
    if facts:
        parts[0] += f" ({', '.join(facts)})"
    parts += ending.notes
    if ending.failure:
        parts.append(ending.failure.hint)
    return " ".join([part if part.endswith((".", "!", "?", ")")) else f"{part}." for part in parts if part])


def _source(reply: Reply) -> Literal["server", "local"]:
    return "local" if reply.is_local else "server"


def _recipients(ending: Ending) -> tuple[RecipientOutcome, ...]:
    progress, outcomes = ending.progress, []
    for recipient, standing, masked in zip(progress.recipients, progress.each, ending.masked, strict=True):
        reply = progress.reply_to(recipient)
        if reply.code == 0 and ending.failure:
            # One that was never asked shares the mail's failure.
            reply = ending.failure.reply
        text = redact(reply.text, body=ending.body)
        outcomes.append(_outcome(address=masked, state=STATE_OF[standing], code=reply.code, message=text))
    return tuple(outcomes)


def attempt_of(reply: Reply, *, at: datetime, body: str) -> Attempt:
    """Return the record of a try that ended with *reply*."""
    return _attempt(at=at, code=reply.code, message=_shown(reply, body))


def _shown(reply: Reply, body: str) -> str:
    """Return enhanced status and text of *reply*, fit for a result."""
    text = redact(reply.text, body=body)
    return f"{reply.enhanced_status} {text}".rstrip() if reply.enhanced_status else text


def history_json(attempts: Sequence[Attempt]) -> str:
    """Return *attempts* as JSON text for the journal."""
    return "[" + ",".join(attempt.model_dump_json() for attempt in attempts) + "]"
