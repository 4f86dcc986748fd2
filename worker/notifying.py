"""The thread that sees to it that actors are told of resets that failed."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tasks.password_reset.notices import Notices

logger = logging.getLogger(__name__)


class Notifying:
    """Looks every *interval* seconds until it is stopped; every worker may run one."""

    def __init__(self, notices: Notices, *, interval: float) -> None:
        self._notices = notices
        self._interval = interval
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="postroom-notices", daemon=True)

    def start(self) -> None:
        """Begin to look in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the look that is under way."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(self._interval):
            try:
                if count := self._notices.tell():
                    logger.info("actors told of failed resets", extra={"notices": count})
            except Exception as error:  # noqa: BLE001 (one notice that cannot be made must not cost all others)
                logger.warning("actors not told", extra={"error": type(error).__name__})
