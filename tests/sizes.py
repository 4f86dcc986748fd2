"""How often a row of the fault matrix does its worst: once in CI, and as often as asked for otherwise."""

from __future__ import annotations

import os
from typing import Final

#: What says how often: nothing for once, `full` for the numbers that the matrix names, or a share of them.
VARIABLE: Final = "POSTROOM_FAULTS"


def share() -> float | None:
    """Return the share of the full numbers that is asked for, None for once each."""
    asked = os.environ.get(VARIABLE, "")
    return float({"": "0", "full": "1"}.get(asked, asked)) or None


def scaled(full: int, *, once: int = 1) -> int:
    """Return how often to do something that `make faults-full` does *full* times and CI *once*."""
    asked = share()
    return once if asked is None else max(once, round(full * asked))
