"""Signals that end the demo: noted when they come, obeyed where nothing can be left behind."""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """
    Turns stop signals into `KeyboardInterrupt`, in pauses only.

    Amid starting or stopping a process an exception could lose it. To be used in the main thread.
    """

    def __init__(self) -> None:
        self._is_pending = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Note the stop signals; put the handlers that were there back at the end."""
        before = {number: signal.signal(number, self._note) for number in _STOP_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def pause(self, seconds: float) -> None:
        """
        Wait *seconds*, which should be few.

        Raises:
            KeyboardInterrupt: a stop signal came, before or meanwhile.
        """
        time.sleep(seconds)
        if self._is_pending:
            raise KeyboardInterrupt

    def _note(self, _number: int, _frame: Any) -> None:
        self._is_pending = True
