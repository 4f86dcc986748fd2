"""A loop over fibers: each runs until it must wait, and then another one does."""

from __future__ import annotations

import logging
import time
from collections import deque
from math import inf
from typing import TYPE_CHECKING, Any, Final, TypeVar

from greenlet import getcurrent

from tasks import loops
from worker.fibers.hands import Hands
from worker.fibers.helpers import Helpers, offload
from worker.fibers.sockets import Sockets
from worker.waker import Waker

if TYPE_CHECKING:
    from collections.abc import Callable

    from greenlet import greenlet

T = TypeVar("T")

logger = logging.getLogger(__name__)

#: Seconds for which a loop rests that broke, so that it does nothing worse than that over and over.
_BROKEN: Final = 0.1
#: Seconds between two looks for what is urgent, so that they cost little.
_PATIENCE: Final = 0.00005


class Wait:
    """One fiber's wait, until *until* by the loop's clock."""

    __slots__ = ("fiber", "is_urgent", "until")

    def __init__(self, fiber: greenlet, until: float) -> None:
        self.fiber = fiber
        self.until = until
        self.is_urgent = False


class FiberLoop:
    """
    Runs fibers in the one thread that calls `run`; only `call_soon` may be used by others.

    Threads that share an interpreter hand its lock to and fro at each wait, which costs more than the wait;
    fibers do not. In return none may block: what could is to be given to `offload`.

    *chores* are called whenever all fibers wait, before the loop rests; each returns the seconds after which
    it wants to be called at the latest, None for whenever.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ready: deque[tuple[Any, Any]] = deque()
        #: Those that go first, how many more wait to be among them, and when that was looked at last.
        self._first: deque[tuple[Any, Any]] = deque()
        self._urgent = 0
        self._looked_at = 0.0
        self._waits: dict[Wait, None] = {}
        self._calls: deque[Callable[[], object]] = deque()
        self._sockets: Sockets[Wait] = Sockets()
        #: No wait is over before.
        self._soonest = inf
        self._helpers = Helpers()
        self._waker = Waker()
        self._paused: list[Wait] = []
        self._hands = Hands(self)
        self._is_resting = False
        self._is_due = False
        self._is_stopped = False
        self._main = getcurrent()
        self.chores: list[Callable[[], float | None]] = []

    # In any thread:

    def call_soon(self, call: Callable[[], object]) -> None:
        """Have *call* made in the loop's thread; it must not wait."""
        self._calls.append(call)
        self._ring()

    def wake_up(self) -> None:
        """Have the chores called soon."""
        self._is_due = True
        self._ring()

    def stop(self) -> None:
        """Have `run` return; what the fibers were about is left as it is."""
        self._is_stopped = True
        self.wake_up()

    def _ring(self) -> None:
        # The loop says that it rests before it looks once more whether it may: one of the two sees the other.
        if self._is_resting:
            self._is_resting = False
            self._waker.wake()

    # In the loop's own:

    def run(self) -> None:
        """Run fibers until the loop is stopped. Nothing that goes wrong in between ends it."""
        self._main = getcurrent()
        loops.enter(self)
        self._sockets.watch(self, self._waker.fileno(), self._waker.hear)
        while not self._is_stopped:
            try:
                self._turn()
            except BaseException as error:  # noqa: BLE001 (every mail of this process depends on the loop)
                logger.error("loop of fibers broke", extra={"error": type(error).__name__})  # noqa: TRY400 (no content)
                time.sleep(_BROKEN)
        self._close()

    def spawn(self, work: Callable[[], object]) -> None:
        """Have *work*, which should never raise, run in a fiber of its own."""
        self._ready.append((work, _BEGIN))

    def wait(
        self, owner: object, fileno: int, *, to_write: bool, seconds: float, is_urgent: bool = False
    ) -> bool:
        """Wait until a socket is ready, for at most *seconds*; whether it is."""
        wait = self.wait_for(seconds)
        if is_urgent:
            wait.is_urgent = True
            self._urgent += 1
        try:
            self._sockets.expect(owner, fileno, to_write=to_write, who=wait)
        except BaseException:
            self.forget(wait)
            raise
        if self.park(late=False):
            return True
        self._sockets.forget(fileno)
        return False

    def sleep(self, seconds: float) -> None:
        """Wait for *seconds*."""
        self.wait_for(seconds)
        self.park()

    def give_way(self) -> None:
        """Let those go on now whose urgent waits are over."""
        if self._urgent:
            self._look_for_urgent()
            if self._first:
                self._ready.appendleft((getcurrent(), None))
                self._main.switch()

    def pause(self) -> None:
        """Wait until all others do."""
        self._paused.append(self.wait_for(inf))
        self.park()

    def offload(self, work: Callable[[], T]) -> T:
        """Return what *work* returns or raises, run in another thread."""
        return offload(self, self._helpers, work)

    def watch(self, owner: object, fileno: int, call: Callable[[], object]) -> None:
        """Have *call*, which must not wait, made whenever a socket can be read from."""
        self._sockets.watch(owner, fileno, call)

    def wait_for(self, seconds: float) -> Wait:
        """Begin a wait of the fiber that calls, which must `park` next; it may be woken from now on."""
        wait = Wait(getcurrent(), self._clock() + seconds)
        self._waits[wait] = None
        self._soonest = min(self._soonest, wait.until)
        return wait

    def park(self, *, late: Any = None) -> Any:
        """Let others work until the wait that was begun is over; return its value, or *late*."""
        value = self._main.switch()
        return late if value is _LATE else value

    def wake(self, wait: Wait, value: Any) -> None:
        """Have the fiber of *wait* go on with *value*, unless it does already."""
        if self._waits.pop(wait, _NEVER) is _NEVER:
            return
        if wait.is_urgent:
            self._urgent -= 1
            self._first.append((wait.fiber, value))
        else:
            self._ready.append((wait.fiber, value))

    def is_waited_for(self, fiber: greenlet) -> bool:
        """Whether a wait of *fiber* is not over yet."""
        return any(wait.fiber is fiber for wait in self._waits)

    def forget(self, wait: Wait) -> None:
        """Forget a wait that nobody parks for: its end would end another one of the same fiber."""
        if self._waits.pop(wait, _NEVER) is not _NEVER:
            self._urgent -= wait.is_urgent

    def _turn(self) -> None:
        longest = self._work()
        longest = max(0.0, min(longest, self._soonest - self._clock()))
        self._is_resting = True
        may_rest = not (self._calls or self._is_due or self._is_stopped)
        for wait in self._sockets.look(longest if may_rest else 0.0):
            self.wake(wait, value=True)
        self._is_resting = False
        while self._calls:
            self._calls.popleft()()
        if self._soonest <= self._clock():
            self._end_late_waits()

    def _work(self) -> float:
        """Run fibers until all of them wait; return the seconds that the loop may rest then."""
        while True:
            while ready := self._first or self._ready:
                fiber, value = ready.popleft()
                if value is _BEGIN:
                    self._hands.take(fiber)
                else:
                    fiber.switch(value)
                if self._urgent:
                    self._look_for_urgent()
            if self._paused:
                paused, self._paused = self._paused, []
                for wait in paused:
                    self.wake(wait, None)
                continue
            longest = inf
            self._is_due = False
            for chore in self.chores:
                seconds = chore()
                if self._ready or self._first:
                    break
                if seconds is not None and seconds < longest:
                    longest = seconds
            else:
                return longest

    def _look_for_urgent(self) -> None:
        now = self._clock()
        if now - self._looked_at >= _PATIENCE:
            self._looked_at = now
            for wait in self._sockets.look(0.0):
                self.wake(wait, value=True)

    def _end_late_waits(self) -> None:
        now = self._clock()
        for wait in [wait for wait in self._waits if wait.until <= now]:
            self.wake(wait, _LATE)
        self._soonest = min((wait.until for wait in self._waits), default=inf)

    def _close(self) -> None:
        loops.enter(None)
        self._hands.close()
        self._sockets.close()
        self._waker.close()


_BEGIN: Final = object()
_LATE: Final = object()
_NEVER: Final = object()
