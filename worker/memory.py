"""How often Python looks for garbage that refers to itself."""

from __future__ import annotations

import gc
from typing import Final

#: New objects between two looks; Python's own number is 700.
_SELDOM: Final = 20_000


def collect_seldom() -> None:
    """
    Have garbage collected less often, and never look again at what the program has loaded by now.

    A run of mails makes thousands of objects that live for a moment and refer to nothing of themselves;
    looking at them was a twentieth of a busy worker's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_SELDOM, 20, 20)
