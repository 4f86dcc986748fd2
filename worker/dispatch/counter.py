"""Where requests go from the consumer's thread to the senders, and outcomes come back."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from billiard.einfo import ExceptionInfo
from celery.worker import state

from tasks import loops
from tasks.delivery.job import Settled
from worker.dispatch.acceptance import accept
from worker.dispatch.conclusion import conclude, flush_events, put_back

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from worker.dispatch.desk import Desk
    from worker.dispatch.items import Chore, Errand, Outcome
    from worker.dispatch.tray import Tray

#: Outcomes that are concluded at once, and seconds that fewer, or what was begun, may wait for others.
_MUCH: Final = 32
_LONGEST: Final = 0.005

# Its tables are None in the types and sets in life.
_state: Any = state


class Counter:
    """
    Has the *desk* get what the consumer took, and the consumer conclude what senders are done with.

    Both go in groups: all that the consumer took in one go is handed over together, since a share of it is a
    run, and what was begun or ended within a few milliseconds is noted together, since waking the consumer's
    thread costs as much as noting, and takes the interpreter from the mail that was just begun. *report* is
    told of outcomes whose results must still be stored; *is_closing* says that no turn of the loop comes any
    more that would send the events.
    """

    report: Callable[[Outcome], object]

    def __init__(self, desk: Desk[Errand | Chore], tray: Tray) -> None:
        self._desk = desk
        self._tray = tray
        self._taken: list[Errand | Chore] = []
        self._begun: list[tuple[Sequence[Errand], float]] = []
        self._ended: list[Outcome] = []
        self._lock = threading.Lock()
        self._is_called = False
        self._due = 0.0
        self.is_closing = False

    # In the consumer's thread:

    def take(self, items: Sequence[Errand | Chore]) -> None:
        """Take *items*, and hand them over as soon as the consumer has taken all that it has."""
        if not self._taken:
            self._tray.put(self.hand_over)
        self._taken += items

    def take_all(self, items: Sequence[Errand | Chore]) -> None:
        """Take *items*, behind which there are no others now, and hand them over."""
        self._taken += items
        self.hand_over()

    def hand_over(self) -> None:
        """Have the desk get what was taken."""
        taken, self._taken = self._taken, []
        self._desk.put(taken)

    # In the senders' thread:

    def is_revoked(self, errand: Errand) -> bool:
        """Whether nobody wants this mail any more."""
        return errand.request.id in _state.revoked

    def accepted(self, errands: Sequence[Errand]) -> None:
        """Have the consumer note, soon, that *errands* are being carried."""
        now = time.monotonic()
        with self._lock:
            if not (self._begun or self._ended):
                self._due = now + _LONGEST
            self._begun.append((errands, now))

    def note_due(self) -> float | None:
        """Have what began or ended a while ago noted; return the seconds until more of it is due."""
        if not (self._begun or self._ended) or self._is_called:
            return None
        seconds = self._due - time.monotonic()
        if seconds > 0:
            return seconds
        self._call()
        return None

    def run(
        self,
        target: Callable[..., Any],
        args: Sequence[Any],
        kwargs: dict[str, Any],
        callbacks: dict[str, Any],
    ) -> None:
        """Run a task that is no mail; its callbacks are made in the consumer's thread."""
        accepted, began, pid = callbacks["accept_callback"], time.monotonic(), os.getpid()
        self._tray.put(lambda: accepted(pid, began))
        try:
            outcome = target(*args, **kwargs)
        except BaseException:  # noqa: BLE001 (a task must not end the thread)
            failure = ExceptionInfo()
            self._tray.put(lambda: callbacks["error_callback"](failure))
        else:
            self._tray.put(lambda: callbacks["callback"](outcome))

    # In any thread:

    def done(self, outcome: Outcome) -> None:
        """Have *outcome* reported; one whose result is stored need only be concluded, soon."""
        if not (isinstance(outcome.verdict, Settled) and outcome.verdict.is_stored):
            self.report(outcome)
            return
        with self._lock:
            if not self._ended:
                self._due = time.monotonic() + _LONGEST
            self._ended.append(outcome)
            is_much = len(self._ended) >= _MUCH
        # Only a thread with a loop comes by `note_due` in time: what another settles while the senders'
        # rests, since a mail hangs, would wait as long as that.
        if is_much or self.is_closing or loops.current() is None:
            self._call()

    def conclude(self, outcomes: Sequence[Outcome]) -> None:
        """Have the consumer conclude *outcomes*, whose results are stored."""
        with self._lock:
            self._ended += outcomes
        self._call()

    def put_back(self, outcomes: Sequence[Outcome]) -> None:
        """Have the consumer give the messages of *outcomes* back, whose results could not be stored."""
        self._tray.put(lambda: self._put_back(outcomes))

    def _put_back(self, outcomes: Sequence[Outcome]) -> None:
        with self._lock:
            begun, self._begun = self._begun, []
        try:
            # Before: what is noted as begun once it is gone would be shown for ever.
            _accept(begun)
        finally:
            put_back(outcomes)

    def _call(self) -> None:
        # Two threads at the same moment may both call; the second call finds nothing.
        if not self._is_called:
            self._is_called = True
            self._tray.put(self._conclude_all)

    def _conclude_all(self) -> None:
        # In this order: what ends from here on calls anew.
        self._is_called = False
        # Both at once, or one could be noted as begun that was concluded before, and would be shown for ever.
        with self._lock:
            begun, self._begun = self._begun, []
            ended, self._ended = self._ended, []
        try:
            _accept(begun)
        finally:
            conclude(ended)
            if self.is_closing:
                flush_events(ended)


def _accept(begun: Iterable[tuple[Sequence[Errand], float]]) -> None:
    for errands, moment in begun:
        accept([errand.request for errand in errands], moment)
