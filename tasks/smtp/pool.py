"""Connections that are kept between mails, in each process its own."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tasks.contract.codes import Phase
from tasks.loops import offload
from tasks.smtp.faults import time_over

if TYPE_CHECKING:
    from collections.abc import Callable

    from tasks.deadline import Deadline
    from tasks.smtp.route import Route
    from tasks.smtp.session import Session

# Seconds of rest after which a connection is asked for a sign of life before it is used.
_FRESH: Final = 2.0
_LONGEST_PROBE: Final = 5.0


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """
    How many connections a route may have, and how long each is kept.

    *mails* is the number that one connection carries; *age* and *idle* are seconds.
    """

    connections: int = 8
    mails: int = 100
    age: float = 300.0
    idle: float = 30.0


@dataclass(slots=True)
class _Lane:
    """The connections of one route: those at rest, the last used last, and how many are lent."""

    resting: list[Session] = field(default_factory=list)
    lent: int = 0


class Pool:
    """Lends each connection to one thread at a time; waits, within the deadline, where all are lent."""

    def __init__(
        self,
        open_session: Callable[[Route, Deadline], Session],
        limits: PoolLimits,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open = open_session
        self._limits = limits
        self._clock = clock
        self._lanes: defaultdict[Route, _Lane] = defaultdict(_Lane)
        self._changed = threading.Condition()

    def borrow(self, route: Route, deadline: Deadline, *, fresh: bool = False) -> Session:
        """
        Return a session of *route*; with *fresh* a new one, since a kept one was found dead.

        Raises:
            Failure: none could be had.

        """
        self._take_place(route, deadline)
        try:
            while session := self._take_resting(route):
                if not fresh and self._is_fit(session, deadline):
                    session.is_reused = True
                    return session
                session.abort()
            # Names are looked up there, and keys made.
            session = offload(lambda: self._open(route, deadline))
            session.opened_at = self._clock()
        except BaseException:
            self._free_place(route)
            raise
        return session

    def give_back(self, session: Session) -> None:
        """Take *session* back, for the next mail or to be closed."""
        session.idle_since = self._clock()
        is_kept = session.is_open and not self._is_spent(session)
        self._free_place(session.route, session if is_kept else None)
        if session.is_open and not is_kept:
            session.quit()

    def close_idle(self) -> None:
        """Close the connections that rested too long."""
        self._close_where(self._is_spent)

    def close(self) -> None:
        """Close every connection at rest."""
        self._close_where(lambda _: True)

    def most_mails(self, session: Session) -> int:
        """Return how many mails *session* may carry in all."""
        return min(self._limits.mails, session.extensions.most_mails or self._limits.mails)

    def _take_place(self, route: Route, deadline: Deadline) -> None:
        if not self._has_taken_place(route):
            offload(lambda: self._wait_for_place(route, deadline))

    def _has_taken_place(self, route: Route) -> bool:
        with self._changed:
            lane = self._lanes[route]
            is_free = lane.lent < self._limits.connections
            lane.lent += is_free
            return is_free

    def _wait_for_place(self, route: Route, deadline: Deadline) -> None:
        with self._changed:
            while not self._has_taken_place(route):
                if not self._changed.wait(deadline.remaining):
                    raise time_over(Phase.CONNECT, "one of the account's connections to be free")

    def _free_place(self, route: Route, session: Session | None = None) -> None:
        with self._changed:
            lane = self._lanes[route]
            lane.lent -= 1
            if session:
                lane.resting.append(session)
            elif not (lane.lent or lane.resting):
                del self._lanes[route]
            self._changed.notify_all()

    def _take_resting(self, route: Route) -> Session | None:
        with self._changed:
            resting = self._lanes[route].resting
            return resting.pop() if resting else None

    def _is_fit(self, session: Session, deadline: Deadline) -> bool:
        if self._is_spent(session) or session.wire.has_unread():
            return False
        if self._clock() - session.idle_since < _FRESH:
            return True
        return session.reset(deadline.sooner(min(_LONGEST_PROBE, deadline.remaining / 4)))

    def _is_spent(self, session: Session) -> bool:
        now = self._clock()
        return (
            session.mails >= self.most_mails(session)
            or now - session.opened_at >= self._limits.age
            or now - session.idle_since >= self._limits.idle
        )

    def _close_where(self, is_due: Callable[[Session], bool]) -> None:
        with self._changed:
            due = [s for lane in self._lanes.values() for s in lane.resting if is_due(s)]
            for session in due:
                self._lanes[session.route].resting.remove(session)
            for route in [route for route, lane in self._lanes.items() if not (lane.lent or lane.resting)]:
                del self._lanes[route]
        for session in due:
            session.quit()
