"""The fibers of a loop, each of which does one work after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from greenlet import getcurrent, greenlet

if TYPE_CHECKING:
    from collections.abc import Callable

#: How many are kept that have nothing to do.
_MOST_IDLE: Final = 64


class Waits(Protocol):
    """What knows who waits."""

    def is_waited_for(self, fiber: greenlet) -> bool:
        """Whether a wait of *fiber* is not over yet."""


class Hands:
    """
    Fibers that take the next work when they are through with one.

    A new fiber costs two calls of the kernel for its stack, and the memory pages behind it.
    """

    def __init__(self, waits: Waits) -> None:
        self._waits = waits
        self._idle: list[greenlet] = []
        #: What the next fiber is to do: it would hold on to its first work if that were an argument.
        self._work: Callable[[], object] | None = None

    def take(self, work: Callable[[], object]) -> None:
        """Do *work* until it waits or ends; what it raises is raised, and ends its fiber."""
        fiber = self._idle.pop() if self._idle else greenlet(self._live)
        self._work = work
        fiber.switch()

    def close(self) -> None:
        """Let go of those that have nothing to do."""
        while self._idle:
            self._idle.pop().throw()

    def _live(self) -> None:
        fiber = getcurrent()
        loop = fiber.parent
        while loop:
            # Without any it was woken by mistake, by a wait that ended and that nobody parked for.
            if work := self._work:
                self._work = None
                work()
                # What it holds on to must not live as long as this fiber rests.
                del work
                # The end of a wait that was left behind would end another one of the same fiber.
                if len(self._idle) >= _MOST_IDLE or self._waits.is_waited_for(fiber):
                    return
                self._idle.append(fiber)
            loop.switch()
