"""Many mails at once: what is wrong with one does not stop the others."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from producers.errors import IdempotencyConflict
from producers.outbox import BATCH
from tasks.contract.errors import InvalidInput
from tasks.contract.validation import parse
from tasks.journal.records import Acceptance

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from producers.outbox import Outbox
    from tasks.contract.names import Lane
    from tasks.contract.parameters import SendEmail


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


def hand_in_all(outbox: Outbox, messages: Iterable[Mapping[str, object]], *, lane: Lane) -> Batch:
    """
    Enqueue *messages* as they come, hundreds in a round trip.

    Raises:
        QueueUnavailable: the queue is away; the mails before were enqueued.
    """
    ids: list[str | None] = []
    refused: list[Refused] = []
    numbered = enumerate(messages)
    while chunk := list(itertools.islice(numbered, BATCH)):
        ids += [None] * len(chunk)
        valid = list(_valid(chunk, refused))
        answers = outbox.hand_in([request for _, request in valid], lane=lane)
        for (index, _), answer in zip(valid, answers, strict=True):
            if answer.outcome is Acceptance.CONFLICT:
                refused.append(Refused(index, IdempotencyConflict(answer.mail_id)))
            else:
                ids[index] = answer.mail_id
    return Batch(tuple(ids), tuple(sorted(refused, key=lambda refusal: refusal.index)))


def _valid(
    chunk: Iterable[tuple[int, Mapping[str, object]]], refused: list[Refused]
) -> Iterator[tuple[int, SendEmail]]:
    for index, message in chunk:
        try:
            yield index, parse(message)
        except InvalidInput as error:
            refused.append(Refused(index, error))
