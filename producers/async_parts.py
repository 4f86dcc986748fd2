"""Taking many messages in parts from whatever yields them, in an event loop."""

from __future__ import annotations

from collections.abc import AsyncIterable
from typing import TYPE_CHECKING

from producers.measure import Measure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from producers.batches import Message


async def parts(messages: Iterable[Message] | AsyncIterable[Message]) -> AsyncIterator[list[Message]]:
    """Yield *messages* in lists of at most a few hundred; those before an error are yielded before it."""
    part: list[Message] = []
    measure, failure = Measure(), None
    try:
        async for message in _asynchronously(messages):
            part.append(message)
            measure.add(message)
            if measure.is_full:
                yield part
                part, measure = [], Measure()
    except Exception as error:  # noqa: BLE001 (the source's own, raised behind what it gave)
        failure = error
    if part:
        yield part
    if failure:
        raise failure


async def _asynchronously(messages: Iterable[Message] | AsyncIterable[Message]) -> AsyncIterator[Message]:
    if isinstance(messages, AsyncIterable):
        async for message in messages:
            yield message
    else:
        for message in messages:
            yield message
