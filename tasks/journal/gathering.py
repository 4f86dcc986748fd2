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

#: Steps of so many fibers do not wait for further ones: while Redis does them, the others have work to do.
_ENOUGH: Final = 4
_ALONE: Final = object()


@dataclass(slots=True)
class _Part:
    """What one fiber wants done, and what it waits with."""

    steps: list[Call]
    copy: Copy
    wait: Wait


class Gathering:
    """
    Has *send* do together what fibers of one loop ask for, once all wait or four have asked.

    Four steps in one command cost Redis and the worker two thirds of what they cost one by one
    (docs/decisions/0054, 0068). Each is still done before its mail goes on, so a worker that dies leaves as
    many mails in doubt as before. Whoever has no loop is not kept waiting.
    """

    def __init__(self, send: Callable[[list[Call], Copy], list[Any]]) -> None:
        self._send = send
        self._parts: list[_Part] = []
        self._is_pausing = False

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
        if len(self._parts) >= _ENOUGH:
            parts, self._parts = self._parts, []
            loop.spawn(lambda: self._send_parts(loop, parts))
        elif not self._is_pausing:
            self._is_pausing = True
            loop.spawn(lambda: self._send_rest(loop))
        answers = loop.park()
        if isinstance(answers, BaseException):
            raise answers
        return self._send(steps, copy) if answers is _ALONE else answers

    def _send_rest(self, loop: Loop) -> None:
        """Send what was asked for until all fibers wait."""
        loop.pause()
        self._is_pausing = False
        parts, self._parts = self._parts, []
        if parts:
            self._send_parts(loop, parts)

    def _send_parts(self, loop: Loop, parts: list[_Part]) -> None:
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
