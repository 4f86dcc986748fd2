"""Which processor each process of a supervisor runs on."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def spread(number: int, processes: int) -> Iterator[int | None]:
    """
    Have what is started in the block run on a processor of its own, where that is fair.

    It is where the *processes*, of which this is *number* (1, 2, 3 …), come to the same number for each
    processor that this process may use. Yield that processor, None where the system is left to choose:
    elsewhere, on systems other than Linux, and where it refuses (docs/decisions/0067).
    """
    if sys.platform != "linux":
        yield None
        return
    usable = os.sched_getaffinity(0)
    if len(usable) == 1 or processes % len(usable):
        yield None
        return
    chosen = sorted(usable)[(number - 1) % len(usable)]
    try:
        os.sched_setaffinity(0, {chosen})
    except OSError:
        yield None
        return
    try:
        yield chosen
    finally:
        # Refused only where the machine took processors away meanwhile; then it has chosen others itself.
        with suppress(OSError):
            os.sched_setaffinity(0, usable)
