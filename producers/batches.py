"""Many mails at once: what is wrong with one does not stop the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from producers.errors import INTERRUPTIONS, BatchInterrupted, IdempotencyConflict
from producers.measure import BATCH, Measure
from producers.one_ahead import one_ahead
from tasks.contract.errors import InvalidInput
from tasks.contract.validation import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tasks.contract.parameters import SendEmail

    Message: TypeAlias = Mapping[str, object] | InvalidInput
    #: What a mail that was handed in comes back as: its id, or why it was refused.
    Answer: TypeAlias = str | InvalidInput | IdempotencyConflict
    OnProgress: TypeAlias = Callable[[int, int], object]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HandedIn:
    """What became of the message at *index* of many: its mail's id, or the error for which it was refused."""

    index: int
    mail_id: str | None = None
    error: InvalidInput | IdempotencyConflict | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A message of `enqueue_many` that was not enqueued: its position, and why."""

    index: int
    error: InvalidInput | IdempotencyConflict


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of the messages of `enqueue_many`: the ids in order, None where one was refused."""

    ids: tuple[str | None, ...]
    refused: tuple[Refused, ...]


def hand_in_all(outcomes: Iterable[HandedIn], on_progress: OnProgress | None = None) -> Batch:
    """
    Return all *outcomes* together.

    Raises:
        BatchInterrupted: the queue went away, or the gateway takes no more; says what was enqueued before.
        QueueUnavailable, KeyRejected, GatewayError: it was so from the beginning.
    """
    ids: list[str | None] = []
    refused: list[Refused] = []
    try:
        for outcome in outcomes:
            ids.append(outcome.mail_id)
            if outcome.error:
                refused.append(Refused(outcome.index, outcome.error))
            if on_progress and len(ids) % BATCH == 0:
                on_progress(len(ids), len(refused))
    except INTERRUPTIONS as away:
        if not ids:
            raise
        raise BatchInterrupted(str(away), Batch(tuple(ids), tuple(refused))) from away
    if on_progress and len(ids) % BATCH:
        on_progress(len(ids), len(refused))
    return Batch(tuple(ids), tuple(refused))


def hand_in_each(
    messages: Iterable[Message],
    *,
    prepare: Callable[[Sequence[SendEmail]], T],
    deliver: Callable[[T], Sequence[Answer]],
) -> Iterator[HandedIn]:
    """
    Hand in *messages* in parts as they come, and yield what became of each, in order.

    While a part is on its way the next is made ready; a part leaves when the one before has arrived, so that
    an outage leaves the fate of one part open and no more. Where *messages* raises, what it gave before is
    handed in first.

    Raises:
        QueueUnavailable: the queue is away; of the messages of the part that was on its way, and of those
            behind it, nothing was yielded.
    """
    parts = ((part, prepare(part.requests)) for part in _parts(messages))
    # A part of which nothing is valid reaches nobody.
    for (part, _), answers in one_ahead(lambda r: deliver(r[1]) if r[0].requests else (), parts):
        yield from part.outcomes(answers)


@dataclass(slots=True)
class _Part:
    """Some of many messages, from position *start* on; *failure* is what their source raised behind them."""

    start: int
    measure: Measure = field(default_factory=Measure)
    refused: dict[int, InvalidInput] = field(default_factory=dict)
    requests: list[SendEmail] = field(default_factory=list)
    failure: Exception | None = None

    def add(self, message: Message) -> None:
        try:
            if isinstance(message, InvalidInput):
                raise message
            self.requests.append(parse(message))
        except InvalidInput as error:
            self.refused[self.end] = error
        self.measure.add(message)

    @property
    def end(self) -> int:
        return self.start + self.measure.count

    def outcomes(self, answers: Iterable[Answer]) -> Iterator[HandedIn]:
        """Yield what became of each message, in order, then raise the *failure*."""
        answer = iter(answers)
        for index in range(self.start, self.end):
            error = self.refused.get(index)
            yield HandedIn(index, error=error) if error else _outcome(index, next(answer))
        if self.failure:
            raise self.failure


def _parts(messages: Iterable[Message]) -> Iterator[_Part]:
    part = _Part(0)
    try:
        for message in messages:
            part.add(message)
            if part.measure.is_full:
                yield part
                part = _Part(part.end)
    except Exception as failure:  # noqa: BLE001 (the source's own, raised behind what it gave)
        part.failure = failure
    if part.measure.count or part.failure:
        yield part


def mail_id_of(answer: Answer) -> str:
    """
    Return the mail's id, the first one's where its key was used before.

    Raises:
        InvalidInput: it was refused.
        IdempotencyConflict: the key belongs to a mail with other parameters.
    """
    if isinstance(answer, Exception):
        raise answer
    return answer


def _outcome(index: int, answer: Answer) -> HandedIn:
    return HandedIn(index, error=answer) if isinstance(answer, Exception) else HandedIn(index, answer)
