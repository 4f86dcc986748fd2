"""Waking an event loop from another thread."""

from __future__ import annotations

import os
from contextlib import suppress


class Waker:
    """A pipe: what is written at its one end makes the other readable, which a loop watches."""

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._reading, False)
        os.set_blocking(self._writing, False)

    def fileno(self) -> int:
        """Return the end that a loop watches."""
        return self._reading

    def wake(self) -> None:
        """Have the loop look."""
        # Where the pipe is full, the loop is being woken already; where it is closed, it has ended.
        with suppress(OSError):
            os.write(self._writing, b"\0")

    def hear(self) -> None:
        """Note that the loop looks."""
        with suppress(BlockingIOError):
            os.read(self._reading, 4096)

    def close(self) -> None:
        """Close the pipe."""
        os.close(self._reading)
        os.close(self._writing)
