"""What all routers share: the keys, the way to the queue, and how long anybody waits for it."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

from producers.errors import QueueUnavailable
from producers.web import problems
from producers.web.bodies import Buffers
from producers.web.problems import Problem
from producers.web.runs import Overloaded, Runs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from starlette.requests import Request

    from producers.web.desk import Desk
    from producers.web.errands import Errands
    from producers.web.hook_errands import HookErrands
    from producers.web.keyring import Keyring
    from producers.web.keys import Key
    from producers.web.metrics import Metrics
    from producers.web.parcels import Finding, Parcel, Question, Receipt
    from producers.web.rates import Allowance
    from producers.web.reset_errands import ResetErrands
    from producers.web.settings import WebSettings

P = ParamSpec("P")
T = TypeVar("T")

#: Seconds after which a request that waits for the queue is answered in any case.
_PATIENCE: Final = 5.0
_RETRY_AFTER: Final = {"Retry-After": "5"}
#: Threads for what is seldom asked, and how many requests may wait for one of them.
_THREADS: Final = 4
_WAITING: Final = 64


class Gateway:
    """
    One process of the gateway.

    Mails that arrive together go into the queue together, questions that arrive together are answered
    together, and everything else has a few threads. Whatever the queue does, a request has its answer within
    seconds, and no more threads are taken than there are.
    """

    def __init__(  # noqa: PLR0913 - what a gateway is made of
        self,
        settings: WebSettings,
        *,
        keyring: Keyring,
        desk: Desk,
        errands: Errands,
        resets: ResetErrands,
        hooks: HookErrands,
        metrics: Metrics,
    ) -> None:
        self.settings = settings
        self.keyring = keyring
        self.errands = errands
        self.resets = resets
        self.hooks = hooks
        self.metrics = metrics
        self.metrics_token = settings.metrics_token()
        self.buffers = Buffers(settings.max_buffered_bytes)
        #: Set when the process is to end: whoever only waits is answered.
        self.stopping = asyncio.Event()
        self._desk = desk
        self._parcels: Runs[Parcel, Receipt] = Runs(
            self._hand_in, weight=lambda parcel: parcel.cost, patience=_PATIENCE
        )
        self._questions: Runs[Question, Finding] = Runs(desk.look_up, patience=_PATIENCE)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="call")
        self._calls = 0

    async def hand_in(self, parcel: Parcel) -> Receipt:
        """
        Hand in what one request brings.

        Raises:
            Problem: the key has gone too fast, or the queue is away.
        """
        began = time.perf_counter()
        try:
            receipt = await _in_time(self._parcels.hand(parcel))
        finally:
            self.metrics.handing_in.observe(time.perf_counter() - began)
        if not receipt.allowance.is_granted:
            raise too_fast(receipt.allowance.headers())
        return receipt

    async def ask(self, question: Question) -> Finding:
        """
        Look a mail up.

        Raises:
            Problem: the key has gone too fast, or the queue is away.
        """
        finding = await _in_time(self._questions.hand(question))
        if not finding.allowance.is_granted:
            raise too_fast(finding.allowance.headers())
        return finding

    async def count(self, key: Key) -> Allowance:
        """
        Count a request that does nothing else.

        Raises:
            Problem: the key has gone too fast, or the queue is away.
        """
        allowance = await self.call(self.errands.count, key)
        if not allowance.is_granted:
            raise too_fast(allowance.headers())
        return allowance

    async def run(self, errand: Callable[P, Finding], /, *args: P.args, **kwargs: P.kwargs) -> Finding:
        """
        Call an errand that concerns one mail.

        Raises:
            Problem: the key has gone too fast, or the queue is away.
        """
        finding = await self.call(errand, *args, **kwargs)
        if not finding.allowance.is_granted:
            raise too_fast(finding.allowance.headers())
        return finding

    async def call(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """
        Call what blocks, in a thread.

        Raises:
            Problem: the queue is away, or too many wait for a thread.
        """
        if self._calls >= _WAITING:
            raise _busy()
        self._calls += 1
        loop = asyncio.get_running_loop()
        called = loop.run_in_executor(self._threads, partial(function, *args, **kwargs))
        # Counted until it has ended, which may be after its request was answered.
        called.add_done_callback(self._done)
        try:
            return await _in_time(_patiently(called))
        finally:
            # What it raised has this frame, which would have it: a circle that keeps the arguments.
            del called

    def close(self) -> None:
        """Finish what was begun and end the threads."""
        for each in (self._parcels, self._questions):
            each.close()
        self._threads.shutdown()
        self.resets.close()

    def _done(self, _: object) -> None:
        self._calls -= 1

    def _hand_in(self, run: Sequence[Parcel]) -> list[Receipt | QueueUnavailable]:
        self.metrics.run_size.observe(sum(len(parcel.letters) for parcel in run))
        return self._desk.hand_in(run)


async def _patiently(called: asyncio.Future[T]) -> T:
    try:
        async with asyncio.timeout(_PATIENCE):
            return await called
    finally:
        del called


async def _in_time(answer: Awaitable[T]) -> T:
    try:
        return await answer
    except Overloaded:
        raise _busy() from None
    except (TimeoutError, QueueUnavailable):
        raise Problem(
            problems.UNAVAILABLE,
            "the queue did not answer in time; what was asked for may have been done, so repeat it with the "
            "same Idempotency-Key",
            headers=_RETRY_AFTER,
        ) from None


def _busy() -> Problem:
    return Problem(
        problems.BUSY, "too many requests wait; repeat this one in a few seconds", headers=_RETRY_AFTER
    )


def too_fast(headers: dict[str, str]) -> Problem:
    """Return the answer to a key that goes faster than it may."""
    return Problem(
        problems.RATE, "this API key has used up its allowance; wait as Retry-After says", headers=headers
    )


def gateway_of(request: Request) -> Gateway:
    """Return the gateway that *request* came to."""
    found: Gateway = request.app.state.gateway
    return found
