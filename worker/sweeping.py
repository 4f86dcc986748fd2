"""The thread that looks for stray mails and publishes them again."""

from __future__ import annotations

import json
import logging
import threading
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from tasks.contract.names import TASK_NAME, Lane
from tasks.contract.queue import PUBLISH_OPTIONS
from worker.depths import AWAY, Depths

if TYPE_CHECKING:
    from tasks.journal.logbook.recovery import Recovery
    from tasks.journal.sweeper import Stray, Sweeper
    from worker.queue import QueueApp

logger = logging.getLogger(__name__)


class Sweeping:
    """
    Sweeps every *interval* seconds until it is stopped; every worker may run one.

    *app* must have no result backend: with one, publishing would subscribe to each result. *recovery* comes
    first, since what dead processes of this machine left behind is published again then.
    """

    def __init__(
        self, app: QueueApp, sweeper: Sweeper, *, interval: float, recovery: Recovery | None = None
    ) -> None:
        self._app = app
        self._depths = Depths(app)
        self._recovery = recovery
        self._sweeper = sweeper
        self._interval = interval
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="postroom-sweeper", daemon=True)

    def start(self) -> None:
        """Begin to sweep in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the sweep that is under way."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(self._interval):
            self._clean_up()
            try:
                self.sweep()
            except AWAY as error:
                logger.warning("not swept", extra={"error": type(error).__name__})

    def _clean_up(self) -> None:
        if self._recovery is None:
            return
        try:
            self._recovery.recover()
        except (RedisError, OSError) as error:
            logger.warning("not cleaned up behind dead workers", extra={"error": type(error).__name__})

    def sweep(self) -> int:
        """Publish every stray again and return how many there were."""
        count = 0
        for stray in self._sweeper.sweep(self._empty_lanes()):
            self._publish(stray)
            logger.info("published again", extra={"mail_id": stray.mail_id, "lane": stray.lane})
            count += 1
        return count

    def _empty_lanes(self) -> set[str]:
        depths = self._depths.of([lane.value for lane in Lane], arguments=self._app.arguments)
        return {lane for lane, depth in depths.items() if depth == 0}

    def _publish(self, stray: Stray) -> None:
        self._app.send_task(
            TASK_NAME,
            kwargs=json.loads(stray.payload),
            task_id=stray.mail_id,
            queue=stray.lane,
            **PUBLISH_OPTIONS,
        )
