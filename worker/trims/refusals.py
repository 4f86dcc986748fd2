"""What a channel does while Redis answers and refuses, since it has no memory or no disk left."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from redis.exceptions import MasterDownError, ReadOnlyError

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis.exceptions import ResponseError

logger = logging.getLogger(__name__)

#: Seconds for which nothing is asked for after Redis refused something.
_REST: Final = 1.0
#: What is refused by a server that is no master any more, where there may be another one by now.
_ELSEWHERE: Final = (ReadOnlyError, MasterDownError)


class Refusals:
    """
    Has a channel rest for a moment where Redis refuses something: a new connection would hear the same.

    Each thing that is refused is told once, until it is done again. *call_later* has the channel take its
    turn when the rest is over, whatever else happens.
    """

    def __init__(self, call_later: Callable[[float], object]) -> None:
        self._call_later = call_later
        self._refused: set[str] = set()
        self._not_before = 0.0

    @property
    def is_resting(self) -> bool:
        """Whether Redis refused something a moment ago."""
        return time.monotonic() < self._not_before

    def add(self, what: str, error: ResponseError) -> None:
        """
        Note that Redis refused to have *what* done.

        Raises:
            redis.ResponseError: *error*, where another server may not refuse.
        """
        if isinstance(error, _ELSEWHERE):
            raise error
        self._not_before = time.monotonic() + _REST
        self._call_later(_REST)
        if what not in self._refused:
            self._refused.add(what)
            logger.warning("nothing %s, since Redis refused", what, extra={"error": type(error).__name__})

    def end(self, what: str) -> None:
        """Note that Redis had *what* done."""
        if what in self._refused:
            self._refused.remove(what)
            logger.info("%s again", what)
