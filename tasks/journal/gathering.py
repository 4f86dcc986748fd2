"""Steps that several mails take at the same moment, sent to the journal together."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any, Final

from redis.exceptions import ResponseError

from tasks.journal.copies import NO_COPY
from tasks.loops import current

if TYPE_CHECKING:
    from collections.abc import Callable

    from tasks.journal.copies import Copy
    from tasks.journal.scripts import Call
    from tasks.loops import Loop, Wait

_ALONE: Final = object()


@dataclass(slots=True)
class _Part:
    """What one fiber wants done, and what it waits with."""

    steps: list[Call]
    copy: Copy
    wait: Wait


class Gathering:
    """
    Has *send* do what fibers of one loop ask for before all of them wait.

    Eight steps in one command cost Redis and the worker half of what they cost one by one
    (docs/decisions/0054). Each is still done before its mail goes on, so a worker that dies leaves as many
    mails in doubt as before. Whoever has no loop is not kept waiting.
    """

    def __init__(self, send: Callable[[list[Call], Copy], list[Any]]) -> None:
        self._send = send
        self._parts: list[_Part] = []

    def __call__(self, steps: list[Call], copy: Copy) -> list[Any]:
        """
        Return the answers to *steps*; raises as *send*.

        Where a command of many is refused, each is asked for by itself: one that Redis cannot do costs no
        other, and none that was done does harm when it is done again.
        """
        loop = current()
        if loop is None:
            return self._send(steps, copy)
        part = _Part(steps, copy, loop.wait_for(inf))
        self._parts.append(part)
        if len(self._parts) == 1:
            loop.spawn(lambda: self._send_parts(loop))
        answers = loop.park()
        if isinstance(answers, BaseException):
            raise answers
        return self._send(steps, copy) if answers is _ALONE else answers

    def _send_parts(self, loop: Loop) -> None:
        loop.pause()
        parts, self._parts = self._parts, []
        copy = next((part.copy for part in parts if part.copy is not NO_COPY), NO_COPY)
        try:
            answers = self._send([step for part in parts for step in part.steps], copy)
        except ResponseError as error:
            for part in parts:
                loop.wake(part.wait, _ALONE if len(parts) > 1 else error)
        except BaseException as error:  # noqa: BLE001 (it is raised where it belongs)
            for part in parts:
                loop.wake(part.wait, error)
        else:
            at = 0
            for part in parts:
                loop.wake(part.wait, answers[at : at + len(part.steps)])
                at += len(part.steps)
