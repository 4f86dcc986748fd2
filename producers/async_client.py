"""The client for event loops: the same methods, each in a thread, and none written twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar
from weakref import WeakKeyDictionary

from producers.async_parts import parts
from producers.batches import mail_id_of
from producers.client import Mailer
from producers.gathering import Gathering, Way
from producers.options import due_at, parse_lane, parse_option
from tasks.contract.names import Lane
from tasks.contract.validation import parse

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
    from datetime import datetime

    from pydantic import SecretStr

    from producers.batches import HandedIn, Message
    from tasks.contract.result import SendEmailResult

P = ParamSpec("P")
T = TypeVar("T")


def _in_a_thread(
    method: Callable[Concatenate[Mailer, P], T],
) -> Callable[Concatenate[AsyncMailer, P], Coroutine[Any, Any, T]]:
    async def call(self: AsyncMailer, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.to_thread(method, self.mailer, *args, **kwargs)

    call.__name__, call.__doc__ = method.__name__, method.__doc__
    return call


class AsyncMailer:
    """
    A `Mailer` whose methods are awaited; arguments, results and errors are those of `Mailer`.

    Handing in blocks, so it happens in a thread; waiting for a result holds none. Mails that
    are enqueued at the same time leave together, so that a hundred tasks cost little more than one.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str | SecretStr | None = None,
        journal_url: str | None = None,
        sealing_keys: Sequence[str | SecretStr] = (),
        is_lean: bool = True,
    ) -> None:
        self.mailer = Mailer(
            url, key=key, journal_url=journal_url, sealing_keys=sealing_keys, is_lean=is_lean
        )
        self._gatherings: WeakKeyDictionary[asyncio.AbstractEventLoop, Gathering] = WeakKeyDictionary()

    enqueue_many = _in_a_thread(Mailer.enqueue_many)
    poll = _in_a_thread(Mailer.poll)
    cancel = _in_a_thread(Mailer.cancel)
    resend = _in_a_thread(Mailer.resend)
    store_attachment = _in_a_thread(Mailer.store_attachment)
    store_bytes = _in_a_thread(Mailer.store_bytes)
    close = _in_a_thread(Mailer.close)

    async def enqueue(
        self,
        message: Mapping[str, object] | None = None,
        /,
        *,
        lane: Lane | str = Lane.DEFAULT,
        send_at: datetime | str | None = None,
        **parameters: object,
    ) -> str:
        """Enqueue one mail, together with those enqueued at the same time; otherwise as `Mailer.enqueue`."""
        request = parse({**(message or {}), **parameters})
        way = Way(parse_option("lane", lane, parse_lane), due_at(send_at))
        return mail_id_of(await self._gathering.hand_in(request, way))

    async def enqueue_each(
        self,
        messages: Iterable[Message] | AsyncIterable[Message],
        *,
        lane: Lane | str = Lane.BULK,
        send_at: datetime | str | None = None,
    ) -> AsyncIterator[HandedIn]:
        """Enqueue mails while they are produced, also asynchronously; otherwise as `Mailer.enqueue_each`."""
        start = 0
        async for part in parts(messages):
            for outcome in await asyncio.to_thread(self._enqueue_part, part, lane=lane, send_at=send_at):
                yield replace(outcome, index=start + outcome.index)
            start += len(part)

    @property
    def _gathering(self) -> Gathering:
        loop = asyncio.get_running_loop()
        return self._gatherings.setdefault(loop, Gathering(self.mailer.post))

    def _enqueue_part(self, part: Iterable[Message], **options: Any) -> list[HandedIn]:
        return list(self.mailer.enqueue_each(part, **options))

    async def wait(self, mail_id: str, *, timeout: float) -> SendEmailResult:  # noqa: ASYNC109 (Mailer's)
        """Return the mail's result as soon as there is one; raises as `Mailer.wait`."""
        return await self.mailer.post.wait_in_loop(mail_id, timeout=timeout)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
