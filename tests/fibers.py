"""Running what a test does in fibers of one thread."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

from worker.fibers.loop import FiberLoop

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds that all of it may take; far more than it needs.
LONG = 8.0


def carry(*works: Callable[[], object]) -> None:
    """Run *works* at the same time, in fibers of one loop, and raise what the first that failed raised."""
    loop, left = FiberLoop(), len(works)
    errors: list[BaseException] = []

    def do(work: Callable[[], object]) -> None:
        nonlocal left
        try:
            work()
        except BaseException as error:  # noqa: BLE001 (raised below)
            errors.append(error)
        left -= 1
        if not left:
            loop.stop()

    for work in works:
        loop.spawn(partial(do, work))
    thread = threading.Thread(target=loop.run, daemon=True)
    thread.start()
    thread.join(LONG)
    assert not thread.is_alive()
    if errors:
        raise errors[0]
