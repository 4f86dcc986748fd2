"""The thread that stores results, so that no sender waits for the result backend."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from typing import TYPE_CHECKING, Final, Protocol

from redis.exceptions import RedisError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from worker.dispatch.items import Outcome

logger = logging.getLogger(__name__)

#: Seconds that an answered mail may wait for its way into the journal while the mail behind it hangs.
_OVERDUE: Final = 0.05
#: Seconds for which storing is tried; then the messages go back, and whoever gets them tries again.
_LONGEST: Final = 120.0
_LONGEST_STOPPING: Final = 3.0
_PAUSES: Final = (0.1, 0.2, 0.5, 1.0, 2.0)


class Writer(Protocol):
    """What stores outcomes for those who poll."""

    def write(self, outcomes: Sequence[Outcome]) -> None:
        """Store them all; raises where it cannot."""


class Reporter:
    """
    Stores what became of mails, as many at a time as there are, and then passes them on.

    *conclude* gets the outcomes that are stored, *put_back* those that could not be. *look_after* is called
    every now and then while mails are being sent.
    """

    def __init__(
        self,
        writer: Writer,
        *,
        conclude: Callable[[Sequence[Outcome]], object],
        put_back: Callable[[Sequence[Outcome]], object],
        look_after: Callable[[float], object],
    ) -> None:
        self._writer = writer
        self._conclude = conclude
        self._put_back = put_back
        self._look_after = look_after
        self._outcomes: list[Outcome] = []
        self._changed = threading.Condition()
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name="postroom-reporter", daemon=True)

    def start(self) -> None:
        """Begin to report in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Report what is left, for a few seconds at most, and end."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify()
        self._thread.join(2 * _LONGEST_STOPPING)

    def put(self, outcome: Outcome) -> None:
        """Have *outcome* reported."""
        with self._changed:
            self._outcomes.append(outcome)
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._outcomes and not self._is_stopping:
                    self._changed.wait(_OVERDUE)
                outcomes, self._outcomes = self._outcomes, []
            if not outcomes and self._is_stopping:
                return
            try:
                self._report(outcomes)
            except BaseException as error:  # noqa: BLE001 (all mails depend on this thread)
                # The broker gives these mails again, and the journal knows how they ended.
                facts = {"mails": len(outcomes), "error": type(error).__name__}
                logger.error("mails not concluded", extra=facts)  # noqa: TRY400 (no content)

    def _report(self, outcomes: Sequence[Outcome]) -> None:
        try:
            self._look_after(_OVERDUE)
        except RedisError as error:
            logger.warning("results not written", extra={"error": type(error).__name__})
        except BaseException as error:  # noqa: BLE001 (without this thread no mail would ever be concluded)
            logger.error("mails not looked after", extra={"error": type(error).__name__})  # noqa: TRY400 (no content)
        if not outcomes:
            return
        if self._store(outcomes):
            self._conclude(outcomes)
        else:
            self._put_back(outcomes)

    def _store(self, outcomes: Sequence[Outcome]) -> bool:
        began = time.monotonic()
        for pause in itertools.chain(_PAUSES, itertools.repeat(_PAUSES[-1])):
            try:
                self._writer.write(outcomes)
            except Exception as error:  # noqa: BLE001 (each backend has errors of its own)
                facts = {"mails": len(outcomes), "error": type(error).__name__}
                logger.warning("results not stored", extra=facts)
            else:
                return True
            longest = _LONGEST_STOPPING if self._is_stopping else _LONGEST
            if time.monotonic() - began > longest:
                return False
            with self._changed:
                self._changed.wait_for(lambda: self._is_stopping, pause)
        return False
