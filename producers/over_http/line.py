"""The line to a gateway: a request goes out, its answer comes back in time, or an exception says why not."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from typing import TYPE_CHECKING, Any, Final, cast

import httpx

from producers.errors import GatewayError
from producers.over_http.bounded import FAILURES, NOT_ARRIVED, BoundedTransport, bounded, tls
from producers.over_http.replies import Reply
from producers.over_http.tries import Lost, tries
from producers.rest import Rest

if TYPE_CHECKING:
    from pydantic import SecretStr

    from producers.over_http.tries import Ask, Try

#: Seconds for which a gateway that hung is left alone: callers that were gathered wait for it once.
_REST: Final = 1.0
#: Bytes of an answer; that to the largest batch has a tenth of it.
_MOST: Final = 16 * 1024 * 1024
#: How often the libraries wrap an error at most; behind that may be one of the caller's own.
_WRAPPINGS: Final = 3


class _Away(Exception):
    """The gateway answered that the queue is away; *reply* is the answer."""

    def __init__(self, reply: Reply) -> None:
        super().__init__()
        self.reply = reply


class Line:
    """
    Asks the gateway at *base* with an API key; safe to share between threads, and to carry over a fork.

    Raises:
        QueueUnavailable: there is no answer in time.
        RateLimited: the key has no allowance in time.
        GatewayError: the answer is none of a gateway's.
    """

    def __init__(self, base: str, key: SecretStr) -> None:
        self._base = base
        self._key = key
        self._rest = Rest(_REST)
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None
        self._process = os.getpid()

    def ask(self, ask: Ask) -> Reply:
        """Return the answer to *ask*."""
        steps = tries(ask)
        step = next(steps)
        try:
            while True:
                time.sleep(step.pause)
                step = steps.send(self._try(ask, step))
        except StopIteration as done:
            return cast("Reply", done.value)

    async def ask_in_loop(self, ask: Ask) -> Reply:
        """Do the same in an event loop, over a connection of its own: its answer may be held back."""
        steps = tries(ask)
        step = next(steps)
        try:
            while True:
                await asyncio.sleep(step.pause)
                step = steps.send(await self._try_in_loop(ask, step))
        except StopIteration as done:
            return cast("Reply", done.value)

    def close(self) -> None:
        """Close the connections."""
        self._begin_anew_after_fork()
        with self._lock:
            if self._client is not None:
                self._client.close()
            self._client = None

    def _try(self, ask: Ask, step: Try) -> Reply | Lost:
        try:
            if ask.holds:
                # An answer that is held back says nothing of how the gateway is.
                return self._send(ask, step.within)
            with self._rest.turn():
                return _unless_away(self._send(ask, step.within))
        except _Away as away:
            return away.reply
        except FAILURES as error:
            return _lost(error)

    def _send(self, ask: Ask, within: float) -> Reply:
        client = self._connected()
        options = ask.options | {"timeout": within}
        with bounded(within), client.stream(ask.method, ask.path, **options) as answer:
            body = _Body()
            for chunk in answer.iter_bytes():
                body.add(chunk)
            return _reply(answer, body)

    async def _try_in_loop(self, ask: Ask, step: Try) -> Reply | Lost:
        try:
            async with (
                asyncio.timeout(step.within),
                httpx.AsyncClient(**self._settings(), trust_env=False, verify=tls()) as client,
                client.stream(ask.method, ask.path, **ask.options, timeout=None) as answer,
            ):
                body = _Body()
                async for chunk in answer.aiter_bytes():
                    body.add(chunk)
                return _reply(answer, body)
        except FAILURES as error:
            return _lost(error)

    def _connected(self) -> httpx.Client:
        self._begin_anew_after_fork()
        with self._lock:
            if self._client is None:
                self._client = httpx.Client(**self._settings(), transport=BoundedTransport())
            return self._client

    def _begin_anew_after_fork(self) -> None:
        if self._process != os.getpid():
            # A forked child that used its parent's connections would take its answers, and the lock may be
            # held by a thread that is not here to let go of it.
            self._client, self._lock, self._process = None, threading.Lock(), os.getpid()

    def _settings(self) -> dict[str, Any]:
        return {
            "base_url": self._base,
            "headers": {
                "Authorization": f"Bearer {self._key.get_secret_value()}",
                "Accept": "application/json, application/problem+json",
                "Accept-Encoding": "identity",
                "User-Agent": "postroom",
            },
        }


class _Body:
    """The bytes of an answer, as long as they are not too many."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self._size = 0

    def add(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size > _MOST:
            raise GatewayError("the answer is larger than any of a gateway's; check the URL")
        self.chunks.append(chunk)


def _unless_away(reply: Reply) -> Reply:
    if reply.is_away:
        raise _Away(reply)
    return reply


def _reply(answer: httpx.Response, body: _Body) -> Reply:
    return Reply(answer.status_code, dict(answer.headers), b"".join(body.chunks))


def _lost(error: Exception) -> Lost:
    return Lost(_reason(error), may_have_arrived=not isinstance(error, NOT_ARRIVED))


def _reason(error: BaseException) -> str:
    """Return the name of the system's own error, which says more, as that a certificate was not accepted."""
    wrapped: BaseException | None = error
    for _ in range(_WRAPPINGS):
        if isinstance(wrapped, OSError):
            return type(wrapped).__name__
        wrapped = wrapped and (wrapped.__cause__ or wrapped.__context__)
    return type(error).__name__
