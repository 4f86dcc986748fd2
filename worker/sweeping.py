"""The thread that looks for stray mails and publishes them again."""

from __future__ import annotations

import json
import logging
import threading
from typing import TYPE_CHECKING, Any, Final

from tasks.contract.names import TASK_NAME, Lane
from tasks.contract.queue import PUBLISH_OPTIONS
from worker.depths import AWAY, Depths
from worker.queue import LONGEST_CONFIRMATION

if TYPE_CHECKING:
    from collections.abc import Callable

    from tasks.journal.logbook.recovery import Recovery
    from tasks.journal.sweeper import Stray, Sweeper
    from worker.queue import QueueApp

logger = logging.getLogger(__name__)

_LANES: Final = frozenset(lane.value for lane in Lane)


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
        #: What stood in the way of each thing that is done, the last time.
        self._found: dict[str, str] = {}
        self._thread = threading.Thread(target=self._run, name="postroom-sweeper", daemon=True)

    def start(self) -> None:
        """Begin to sweep in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the sweep that is under way."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(self._interval):
            self.take_turn()

    def take_turn(self) -> None:
        """Clean up and sweep; what goes wrong is tried again next time, and told once until it changes."""
        if self._recovery:
            self._try("cleaned up behind dead workers", self._recovery.recover)
        self._try("swept", self.sweep)

    def sweep(self) -> int:
        """Publish every stray again and return how many there were."""
        return sum([self._publish(stray) for stray in self._sweeper.sweep(self._empty_lanes)])

    def _try(self, what: str, do: Callable[[], object]) -> None:
        found = ""
        try:
            do()
        except AWAY as error:
            found = type(error).__name__
        except Exception as error:  # noqa: BLE001 (all mails that are due after a wait depend on this thread)
            found = f"bug: {type(error).__name__}"
        told, self._found[what] = self._found.get(what, ""), found
        if found and found != told:
            logger.warning("not %s", what, extra={"error": found})
        elif told and not found:
            logger.info("%s again", what)

    def _empty_lanes(self) -> set[str]:
        depths = self._depths.of(_LANES, arguments=self._app.arguments)
        return {lane for lane, depth in depths.items() if depth == 0}

    def _publish(self, stray: Stray) -> bool:
        facts = {"mail_id": stray.mail_id, "lane": stray.lane}
        parameters = _parameters(stray)
        if parameters is None:
            logger.error("cannot publish again: the journal's record is damaged", extra=facts)
            return False
        self._app.send_task(
            TASK_NAME,
            kwargs=parameters,
            task_id=stray.mail_id,
            queue=stray.lane,
            confirm_timeout=LONGEST_CONFIRMATION,
            **PUBLISH_OPTIONS,
        )
        logger.info("published again", extra=facts)
        return True


def _parameters(stray: Stray) -> dict[str, Any] | None:
    """Return what is to be published, None where nobody of ours can have written the record so."""
    try:
        found = json.loads(stray.payload)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and stray.lane in _LANES else None
