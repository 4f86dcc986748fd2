"""Logins that a server refused are not repeated at once, or the account might be locked."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from tasks.contract.codes import Phase
from tasks.failures import PermanentFailure, Reply, TransientFailure
from tasks.smtp import hints
from tasks.smtp.faults import time_over

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tasks.deadline import Deadline
    from tasks.smtp.route import Route

#: Seconds for which an account makes no further login after a refused one.
LOGIN_PAUSE: Final = 60.0

_LOGIN_REFUSED: Final = 535


class LoginGate:
    """
    Lets logins of a route pass one at a time until one was accepted, and none for a while after a 535.

    So threads that start together with a wrong password cost one refused login, not one each.
    """

    def __init__(self, pause: float = LOGIN_PAUSE, clock: Callable[[], float] = time.monotonic) -> None:
        self._pause = pause
        self._clock = clock
        self._lock = threading.Lock()
        self._turns: dict[Route, threading.Lock] = {}
        self._proven: set[Route] = set()
        self._paused: dict[Route, tuple[float, Reply]] = {}

    def check(self, route: Route) -> None:
        """
        Refuse while logins of *route* pause.

        Raises:
            TransientFailure: they do; *retry_after* says for how long.

        """
        with self._lock:
            until, reply = self._paused.get(route, (0.0, None))
            rest = until - self._clock()
            if reply is None or rest <= 0:
                self._paused.pop(route, None)
                return
        raise TransientFailure(reply, Phase.AUTH, retry_after=rest, hint=hints.for_reply(reply))

    @contextmanager
    def turn(self, route: Route, deadline: Deadline) -> Iterator[None]:
        """
        Let one login of *route* happen in the block, and remember how it ended.

        Raises:
            TransientFailure: logins pause, or another one took all the time.

        """
        with self._one_by_one(route, deadline):
            self.check(route)
            try:
                yield
            except PermanentFailure as failure:
                if failure.reply.code == _LOGIN_REFUSED:
                    self._refused(route, failure.reply)
                raise
            with self._lock:
                self._proven.add(route)

    @contextmanager
    def _one_by_one(self, route: Route, deadline: Deadline) -> Iterator[None]:
        with self._lock:
            turn = None if route in self._proven else self._turns.setdefault(route, threading.Lock())
        if turn is None:
            yield
            return
        if not turn.acquire(timeout=deadline.remaining):
            raise time_over(Phase.AUTH, "another login of the account")
        try:
            yield
        finally:
            turn.release()

    def _refused(self, route: Route, reply: Reply) -> None:
        with self._lock:
            self._proven.discard(route)
            self._paused[route] = (self._clock() + self._pause, reply)
