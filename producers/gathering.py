"""Enqueueing together what an event loop's tasks enqueue at the same time."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from producers.measure import BATCH

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from producers.batches import Answer
    from producers.posts import Post
    from tasks.contract.names import Lane
    from tasks.contract.parameters import SendEmail


class Way(NamedTuple):
    """Where mails go, and when: those of one way can be handed in together."""

    lane: Lane
    send_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Waiting:
    way: Way
    request: SendEmail
    answer: asyncio.Future[Answer]


class Gathering:
    """
    Hands in what waits, as much as there is, while one thread at a time talks to the post.

    A lone mail leaves at once and waits for nobody; mails that come while others are on their way leave
    together. It belongs to one event loop.
    """

    def __init__(self, post: Post) -> None:
        self._post = post
        self._waiting: deque[_Waiting] = deque()
        self._carrier: asyncio.Task[None] | None = None

    async def hand_in(self, request: SendEmail, way: Way) -> Answer:
        """
        Return the answer to a valid mail.

        Raises:
            QueueUnavailable: the queue is away.
        """
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(way, request, answer))
        if self._carrier is None or self._carrier.done():
            self._carrier = asyncio.create_task(self._carry())
        return await answer

    async def _carry(self) -> None:
        while self._waiting:
            mails = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            ways: defaultdict[Way, list[_Waiting]] = defaultdict(list)
            for mail in mails:
                # Whoever stopped waiting before it left does not want it any more.
                if not mail.answer.cancelled():
                    ways[mail.way].append(mail)
            for way, together in ways.items():
                await self._hand_in(way, together)

    async def _hand_in(self, way: Way, mails: Sequence[_Waiting]) -> None:
        try:
            answers = await asyncio.to_thread(
                self._post.hand_in,
                [mail.request for mail in mails],
                lane=way.lane,
                send_at=way.send_at,
            )
        except Exception as error:  # noqa: BLE001 (raised where each of the mails is awaited)
            for mail in mails:
                _fail(mail.answer, error)
        else:
            for mail, answer in zip(mails, answers, strict=True):
                _settle(mail.answer, answer)


def _fail(waiting: asyncio.Future[Answer], error: Exception) -> None:
    if not waiting.done():
        waiting.set_exception(error)


def _settle(waiting: asyncio.Future[Answer], answer: Answer) -> None:
    """Give the answer, which may be an exception: whoever waits raises it."""
    if not waiting.done():
        waiting.set_result(answer)
