"""How often Python looks for garbage in a gateway."""

from __future__ import annotations

import gc
from typing import Final

#: Objects with references that are made and not ended before the youngest are looked through.
_YOUNGEST: Final = 10_000


def look_seldom() -> None:
    """
    Leave what there is by now out of the search for garbage, and search the rest less often.

    Each request under way has some hundred objects that others refer to, so that Python's 700 are reached
    within a few requests, and each time goes on to the modules, schemas and routes that stay for ever: a
    quarter of a crowded gateway's time. What is no cycle ends as always, at once.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNGEST)
