"""How many messages a worker has at hand while others may be free for them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

#: Messages that a worker takes at first, and how many more at each step: some for each of its connections.
STEP: Final = 64
#: Seconds from one step to the next.
PAUSE: Final = 0.03
#: With so few at hand, and none waiting, it is through with a burst.
_FEW: Final = STEP // 4


class PrefetchWindow:
    """
    How many messages may be in flight: few of a burst at first, and more as long as there is more.

    Whoever came first took all of a burst of some hundred mails, and where their server is far away the
    connections of the others rested meanwhile. Growing at the same pace they get like shares. It grows
    whether or not anything is done with: behind the mails of a server that hangs there may be others. For how
    long there was nothing before does not count.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._most = STEP
        #: When it grew last, or when there was more for the first time; None while there is none.
        self._since: float | None = None

    def size(self, in_hand: int, *, is_more: bool) -> int:
        """Return how many messages to have at hand, where *in_hand* are and *is_more* says that more wait."""
        now = self._clock()
        if in_hand <= _FEW and not is_more:
            self._most, self._since = STEP, None
        elif self._since is None:
            self._since = now
        elif now - self._since >= PAUSE:
            self._most, self._since = self._most + STEP, now
        return self._most
