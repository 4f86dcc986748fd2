"""Standard output and error that lose what nobody takes: a full disk or a dead reader must stop no mail."""

from __future__ import annotations

import io
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer


class _Lossy(io.FileIO):
    """A file whose writes never fail; it does not close what it writes to."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "w", closefd=False)

    def write(self, data: Buffer, /) -> int:
        """Write what can be written; return that all of it was where nothing can."""
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


def lose_rather_than_fail() -> None:
    """
    Let writes to standard output and error never raise again in this process.

    Celery prints a banner before it takes any mail, and ends where that fails. Streams without a file
    descriptor, as test runners have them, are left as they are.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        with suppress(AttributeError, OSError):
            lossy = _like(stream)
            setattr(sys, name, lossy)
            setattr(sys, f"__{name}__", lossy)


def _like(stream: io.TextIOWrapper) -> io.TextIOWrapper:
    descriptor = stream.fileno()
    with suppress(OSError):
        stream.flush()
    raw = io.BufferedWriter(_Lossy(descriptor))
    return io.TextIOWrapper(raw, encoding=stream.encoding, errors="backslashreplace", line_buffering=True)
