"""What threads leave for the consumer's thread, the only one that may touch the broker's channel."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Any

from worker.waker import Waker

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)


class Tray:
    """
    Calls that wait for the consumer's thread, in order.

    A pipe wakes its event loop. The loop's own way of being woken would do as well but for one thing: what
    its calls ask for in their turn (events to be sent, for one) would wait until something else happens.
    """

    def __init__(self) -> None:
        self._calls: deque[Callable[[], object]] = deque()
        self._is_waking = False
        self._waker = Waker()

    def serve(self, hub: Any) -> None:
        """Have *hub*, the consumer's event loop, make the calls from now on."""
        hub.add_reader(self._waker.fileno(), self._on_readable)

    def put(self, call: Callable[[], object]) -> None:
        """Have the consumer's thread make *call*."""
        self._calls.append(call)
        if not self._is_waking:
            self._is_waking = True
            self._waker.wake()

    def empty(self) -> None:
        """Make the calls that wait; what one of them raises costs no other."""
        while self._calls:
            call = self._calls.popleft()
            try:
                call()
            except Exception as error:  # noqa: BLE001 (the loop must go on; the broker gives the message again)
                logger.error("not concluded", extra={"error": type(error).__name__})  # noqa: TRY400 (no content)

    def _on_readable(self) -> None:
        # In this order: the other way round, the byte of a call put in between would be read here, and no
        # call would ever wake the loop again.
        self._waker.hear()
        self._is_waking = False
        self.empty()
