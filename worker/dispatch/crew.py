"""The senders of a process: as many turns at a time as there are senders, all in one thread."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

from worker.fibers.loop import FiberLoop

if TYPE_CHECKING:
    from collections.abc import Callable

    from worker.dispatch.desk import Desk
    from worker.dispatch.items import Chore, Errand
    from worker.dispatch.sender import Sender


class Crew:
    """
    Has *sender* carry each turn of *desk* in a fiber of its own.

    *look_after* is called now and then, and returns the seconds until it wants to be called again.
    """

    def __init__(
        self, desk: Desk[Errand | Chore], sender: Sender, look_after: Callable[[], float | None]
    ) -> None:
        self._desk = desk
        self._sender = sender
        self._loop = FiberLoop()
        self._loop.chores += [self._begin, look_after]
        desk.on_change = self._loop.wake_up

    def start(self) -> None:
        """Begin to carry what waits."""
        threading.Thread(target=self._loop.run, name="postroom-senders", daemon=True).start()

    def _begin(self) -> float | None:
        """Begin all turns that there are; return the seconds until there is another one by itself."""
        while turn := self._desk.take():
            self._loop.spawn(partial(self._sender.take, turn))
        return self._desk.next_rested()
