"""Handing in what `send` read, and saying for each message what became of it."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from producers.cli.answers import Answer
from producers.cli.troubles import trouble_of
from producers.errors import INTERRUPTIONS, BatchInterrupted, IdempotencyConflict, QueueUnavailable
from producers.measure import BATCH
from tasks.contract.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from producers.batches import Batch
    from producers.client import Mailer
    from tasks.contract.names import Lane


def hand_in(
    mailer: Mailer, messages: Sequence[Mapping[str, object]], *, lane: Lane, send_at: datetime | None
) -> list[Answer]:
    """
    Hand in *messages* and answer for each, in order; when the queue goes away, the rest are told so.

    Raises:
        QueueUnavailable: the queue was away from the beginning.
    """
    answers: list[Answer] = []
    try:
        for found in _answers(mailer, messages, lane=lane, send_at=send_at):
            answers += found
    except INTERRUPTIONS as away:
        if not answers:
            raise
        trouble = trouble_of(away)
        first = len(answers) + 1
        answers += [Answer(trouble=trouble, line=line) for line in range(first, len(messages) + 1)]
    return answers


def with_uploads(
    mailer: Mailer, messages: Sequence[Mapping[str, object]], files: Iterable[str]
) -> Sequence[Mapping[str, object]]:
    """
    Store *files* of this machine and return the only one of *messages* with them attached.

    Raises:
        typer.BadParameter: a file cannot be read, or is too large.
        QueueUnavailable: the queue is away.
    """
    references = [_stored(mailer, file) for file in files]
    if not references:
        return messages
    [message] = messages
    named = [message["attachments"]] if "attachments" in message else []
    return [{**message, "attachments": "; ".join(map(str, [*named, *references]))}]


def _stored(mailer: Mailer, file: str) -> str:
    """Store *file*; return its reference in quotes, since its name may hold a ';'."""
    try:
        reference = mailer.store_attachment(Path(file))
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be read ({error.strerror})", param_hint="--attach") from None
    except InvalidInput as error:
        why = " | ".join(f"{each.problem}; {each.advice}" for each in error.errors)
        raise typer.BadParameter(f"{file}: {why}", param_hint="--attach") from None
    return '"' + reference.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _answers(
    mailer: Mailer, messages: Iterable[Mapping[str, object]], *, lane: Lane, send_at: datetime | None
) -> Iterator[list[Answer]]:
    numbered = enumerate(messages, start=1)
    if send_at:
        for line, message in numbered:
            yield [_scheduled(mailer, message, line, lane=lane, send_at=send_at)]
    # In parts, so that what was accepted before an outage is known.
    while part := list(itertools.islice(numbered, BATCH)):
        yield from _part(mailer, part, lane=lane)


def _scheduled(
    mailer: Mailer, message: Mapping[str, object], line: int, *, lane: Lane, send_at: datetime
) -> Answer:
    try:
        return Answer(mailer.enqueue(message, lane=lane, send_at=send_at))
    except (InvalidInput, IdempotencyConflict) as error:
        return Answer(trouble=trouble_of(error), line=line)


def _part(
    mailer: Mailer, part: Sequence[tuple[int, Mapping[str, object]]], *, lane: Lane
) -> Iterator[list[Answer]]:
    try:
        batch = mailer.enqueue_many([message for _, message in part], lane=lane)
    except BatchInterrupted as cut:
        yield _told(part, cut.batch)
        raise QueueUnavailable(str(cut)) from cut
    yield _told(part, batch)


def _told(part: Sequence[tuple[int, Mapping[str, object]]], batch: Batch) -> list[Answer]:
    refused = {refusal.index: trouble_of(refusal.error) for refusal in batch.refused}
    return [
        Answer(mail_id, trouble=refused.get(index), line=part[index][0])
        for index, mail_id in enumerate(batch.ids)
    ]
