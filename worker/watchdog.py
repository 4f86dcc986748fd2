"""Ending a worker that no longer consumes, so that its supervisor starts it again."""

from __future__ import annotations

import logging
import os
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NoReturn

from celery.worker import state as celerys

from worker import pulse
from worker.depths import AWAY, Depths

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery
    from redis import Redis

logger = logging.getLogger(__name__)

#: Written at each look: a Redis that takes no writes is away, whatever it answers.
_PROBE: Final = "postroom:watchdog"
_PROBE_LIFETIME: Final = 60
#: How often within the patience a look is taken.
_LOOKS: Final = 12
_LONGEST_PAUSE: Final = 5.0
#: The share of the patience in which a worker whose loop still turns may end its mails.
_GRACE: Final = 0.25
_EXIT_CODE: Final = 1


@dataclass(frozen=True, slots=True)
class Look:
    """What is seen of a consumer at one moment; *waiting* is how many messages its queues hold."""

    turns: int
    taken: int
    has_room: bool
    waiting: int


@dataclass(slots=True)
class Suspicion:
    """
    What several looks say together. Pure.

    Only time that was watched counts: a look that comes late, because this process was stopped, the machine
    is overloaded or Redis was away, begins anew.
    """

    patience: float
    pause: float
    _last: Look | None = None
    _unturned: float = 0.0
    _untaken: float = 0.0

    def forget(self) -> None:
        """Begin anew: there was nothing to be seen."""
        self._last, self._unturned, self._untaken = None, 0.0, 0.0

    def note(self, look: Look, *, after: float) -> str | None:
        """Return why the worker must end, if it must; *after* is the time in seconds since the last look."""
        last = self._last
        if last is None or after > 2 * self.pause:
            self.forget()
        else:
            is_idle = look.has_room and look.waiting and look.taken == last.taken
            self._unturned = self._unturned + after if look.turns == last.turns else 0.0
            self._untaken = self._untaken + after if is_idle else 0.0
        self._last = look
        if self._unturned >= self.patience:
            return "its loop has not turned"
        if self._untaken >= self.patience:
            return "messages wait, there is room for them, and it takes none"
        return None


@dataclass
class Watchdog:
    """
    Looks at *consumer*, and ends this process when it has not consumed for *patience* seconds.

    A worker that is busy, one whose queues are empty, and one that cannot reach Redis are left alone. *app*
    must have no result backend. *end* is called with the reason.
    """

    app: Celery
    redis: Redis
    consumer: Any
    patience: float
    end: Callable[[str, float], object] = field(default_factory=lambda: end)
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self._pause = min(self.patience / _LOOKS, _LONGEST_PAUSE)
        self._suspicion = Suspicion(self.patience, self._pause)
        self._depths = Depths(self.app)
        self._stopped = threading.Event()
        self._looked_at = self.clock()

    def start(self) -> None:
        """Begin to watch in the background."""
        threading.Thread(target=self._run, name="postroom-watchdog", daemon=True).start()

    def stop(self) -> None:
        """Watch no longer: the worker is about to end."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(self._pause):
            self.look()

    def look(self) -> None:
        """Take one look, and draw the consequence."""
        try:
            seen = self._seen() if pulse.is_running(self.consumer) else None
        except AWAY:
            seen = None
        except Exception as error:  # noqa: BLE001 (who would watch the watchdog?)
            logger.error("not watched", extra={"error": type(error).__name__})  # noqa: TRY400 (no content)
            seen = None
        now = self.clock()
        after, self._looked_at = now - self._looked_at, now
        if seen is None:
            self._suspicion.forget()
            return
        why = self._suspicion.note(seen, after=after)
        if why and not self._stopped.is_set():
            self.end(why, self.patience)

    def _seen(self) -> Look:
        # First what the consumer shows: while Redis is asked, it may go on.
        beats = self.consumer.pulse
        turns, taken, has_room = beats.turns, beats.taken, pulse.has_room(self.consumer)
        self.redis.set(_PROBE, os.getpid(), ex=_PROBE_LIFETIME)
        return Look(turns, taken, has_room, self._depths.of_those_there(pulse.lanes(self.consumer)))


def end(why: str, patience: float) -> NoReturn:
    """End this process with exit code 1: cleanly if its loop still turns, and else as it is."""
    logger.critical("worker ends itself", extra={"why": why, "seconds": patience})
    state: Any = celerys
    state.should_stop = _EXIT_CODE
    time.sleep(patience * _GRACE)
    os._exit(_EXIT_CODE)
