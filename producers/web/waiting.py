"""Holding an answer back until there is news, or the caller has waited long enough."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from producers.web.gateway import Gateway
    from producers.web.parcels import Finding, Question

_FIRST_PAUSE: Final = 0.02
_LONGEST_PAUSE: Final = 0.5


async def settled(gateway: Gateway, question: Question, *, wait: float) -> Finding:
    """
    Return where a mail stands once its state is final, after *wait* seconds at the latest.

    A gateway that is told to stop answers at once. Raises `Problem` as `Gateway.ask`.
    """
    deadline = asyncio.get_running_loop().time() + min(wait, gateway.settings.max_wait)
    finding = await gateway.ask(question)
    pause = _FIRST_PAUSE
    while finding.record and not finding.record.state.is_terminal and not gateway.stopping.is_set():
        remaining = deadline - asyncio.get_running_loop().time()
        if remaining <= 0:
            break
        with suppress(TimeoutError):
            await asyncio.wait_for(gateway.stopping.wait(), min(pause, remaining))
        pause = min(pause * 1.5, _LONGEST_PAUSE)
        # Counted once, however often it is looked up.
        again = await gateway.ask(replace(question, is_counted=False))
        finding = replace(again, allowance=finding.allowance)
    return finding
