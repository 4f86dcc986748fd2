"""Signals that end the demo: never amid starting or stopping a process."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """
    Turns stop signals into `KeyboardInterrupt`, at a moment that leaves nothing behind.

    One that comes while they are held is raised afterwards. To be used in the main thread.
    """

    def __init__(self) -> None:
        self._holds = 0
        self._is_pending = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Handle the stop signals; put the handlers that were there back at the end."""
        before = {number: signal.signal(number, self._on_signal) for number in _STOP_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def held(self) -> Iterator[None]:
        """
        Put off what comes meanwhile.

        Raises:
            KeyboardInterrupt: at the end of the outermost block, if a stop signal came.
        """
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1
        if self._is_pending and not self._holds:
            self._is_pending = False
            raise KeyboardInterrupt

    def _on_signal(self, _number: int, _frame: Any) -> None:
        if self._holds:
            self._is_pending = True
        else:
            raise KeyboardInterrupt
