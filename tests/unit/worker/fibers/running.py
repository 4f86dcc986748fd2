"""Running works in fibers that know their loop."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tasks import loops
from tests import fibers
from worker.fibers.loop import FiberLoop

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds that anything here may take; far more than it needs.
LONG = 5.0
#: Seconds by which something may be late on a machine that is busy.
SLACK = 0.5


def carry(*works: Callable[[FiberLoop], object]) -> None:
    """Run each of *works* in a fiber of one loop, which it is given."""

    def run(work: Callable[[FiberLoop], object]) -> None:
        loop = loops.current()
        assert isinstance(loop, FiberLoop)
        work(loop)

    fibers.carry(*[partial(run, work) for work in works])
