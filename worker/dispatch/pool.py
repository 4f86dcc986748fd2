"""The worker's pool: it carries mails in runs, many of them at a time, and other tasks one by one."""

from __future__ import annotations

import logging
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from celery.concurrency.base import BasePool
from celery.worker import state

from tasks.contract.names import TASK_NAME, Lane
from tasks.delivery.job import Job
from tasks.send_email import DiscreetRequest, lane_of
from worker.dispatch.counter import Counter
from worker.dispatch.crew import Crew
from worker.dispatch.desk import Desk
from worker.dispatch.items import CHORES, SUSPECTS, Chore, Errand, Outcome
from worker.dispatch.reporter import Reporter
from worker.dispatch.results import ResultWriter
from worker.dispatch.sender import Sender
from worker.dispatch.tray import Tray

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tasks.delivery.delivery import DeliveryService
    from tasks.delivery.job import Verdict

logger = logging.getLogger(__name__)

# Its flags are None in the types and numbers in life.
worker_state: Any = state

#: Seconds that a cold shutdown leaves to the mails under way.
_COLD: Final = 1.0
_SLICE: Final = 0.05
#: Seconds of silence of a server after which the mails behind the one under way are passed on.
_SILENCE: Final = 1.0


@dataclass(frozen=True, slots=True)
class Health:
    """
    Whether the worker gets on: for a watchdog.

    *free* senders have nothing to do; *waiting* errands have come and not been begun; *oldest* is the age in
    seconds of the run that has taken longest; *last_turn* the moment, on the monotonic clock, of the
    consumer's last look at the broker.
    """

    free: int
    waiting: int
    oldest: float
    last_turn: float


class SenderPool(BasePool):
    """
    Celery's pool, with senders that take what waits.

    Celery does everything before and after as with any other pool: it decodes, counts, limits rates, revokes
    and shows requests. A `send_email` request becomes an errand and waits at the desk; a task that is no
    mail, or a mail that is part of a canvas (a chain, a chord, a link), is run as any task.
    """

    body_can_be_buffer = True
    signal_safe = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        options = self.app.conf.postroom_dispatch
        self._tray = Tray()
        self._desk: Desk[Errand | Chore] = Desk(
            lanes=list(Lane),
            connections=options.connections,
            senders=self.limit,
            exceptions={CHORES: options.connections, SUSPECTS: 1},
        )
        self._counter = Counter(self._desk, self._tray)
        self._reporter = Reporter(
            ResultWriter(self.app, together=options.trims),
            conclude=self._counter.conclude,
            put_back=self._counter.put_back,
            look_after=self._look_after,
        )
        self._counter.report = self._reporter.put
        sender = Sender(self._desk, self._carrier, self._counter)
        self._crew = Crew(self._desk, sender, self._counter.note_due)
        self._service: DeliveryService | None = None
        self._is_stopped = False
        self._last_turn = time.monotonic()

    @property
    def health(self) -> Health:
        """How the worker gets on."""
        state = self._desk.state()
        waiting = sum(state.waiting.values())
        return Health(state.senders - state.busy, waiting, state.oldest, self._last_turn)

    def on_start(self) -> None:
        """Start to carry."""
        task = self.app.tasks[TASK_NAME]
        self._service = task.service()
        self._reporter.start()
        self._crew.start()

    def register_with_event_loop(self, loop: Any) -> None:
        """Have *loop* conclude what threads are done with."""
        self._tray.serve(loop)
        loop.on_tick.add(self._note_turn)

    def errand(self, request: DiscreetRequest) -> Errand:
        """Return the errand of an ordinary mail."""
        job = Job(request.id, request.lane, request.parameters)
        return Errand(request, job, self._carrier().way_of(job), request.lane)

    def take(self, errands: Sequence[Errand], *, is_all: bool = False) -> None:
        """Take the errands of ordinary mails; *is_all* says that there are no others now."""
        if is_all:
            self._counter.take_all(errands)
        else:
            self._counter.take(errands)

    def on_apply(
        self,
        target: Callable[..., Any],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
        **callbacks: Any,
    ) -> None:
        """Take a request that Celery wants to be carried out."""
        request = getattr(callbacks.get("accept_callback"), "__self__", None)
        if isinstance(request, DiscreetRequest) and not request.is_part_of_canvas:
            self._counter.take([self.errand(request)])
            return
        lane = lane_of(request.delivery_info) if request is not None else Lane.DEFAULT
        self._counter.take([Chore(lambda: self._counter.run(target, args, kwargs or {}, callbacks), lane)])

    def flush(self) -> None:
        """
        Forget the tasks that wait: the connection that they came by is gone, and the broker gives them again.

        Mails are carried all the same, since the journal lets each be sent once. A Redis that died would give
        them again only after the visibility timeout: kombu cannot return them to it over a connection that is
        gone.
        """
        self._counter.hand_over()
        self._desk.remove(lambda item: isinstance(item, Chore))

    def on_close(self) -> None:
        """Begin nothing any more."""
        self._desk.close()

    def on_stop(self) -> None:
        """Wait for the mails under way, report them, and leave the others to the journal and the broker."""
        if self._is_stopped:
            return
        self._is_stopped = True
        self._counter.is_closing = True
        self._desk.close()
        longest = _COLD if worker_state.should_terminate is not None else None
        began = time.monotonic()
        while not self._desk.wait_until_idle(_SLICE):
            self._tray.empty()
            if longest is not None and time.monotonic() - began > longest:
                break
        self._leave()
        self._reporter.stop()
        self._counter.conclude(())
        self._tray.empty()
        self._carrier().close()

    def on_terminate(self) -> None:
        """End at once; what is under way is taken up again when its leases are over."""
        self.on_stop()

    def terminate_job(self, pid: int, signal: int | None = None) -> None:  # noqa: ARG002 (Celery's signature)
        """Do nothing: a mail that is being sent is not torn out of its session."""
        logger.warning("a mail that is being sent is not terminated; it ends within its Timeout")

    def grow(self, n: int = 1) -> None:
        """Have *n* more senders."""
        self._desk.resize(n)
        self.limit = self._desk.senders

    def shrink(self, n: int = 1) -> None:
        """Have *n* senders fewer, as soon as they are done."""
        self._desk.resize(-n)
        self.limit = self._desk.senders

    def _get_info(self) -> dict[str, Any]:
        state = self._desk.state()
        return {
            "implementation": f"{type(self).__module__}:{type(self).__qualname__}",
            "max-concurrency": self.limit,
            "processes": [os.getpid()],
            "senders": {"all": state.senders, "busy": state.busy},
            "waiting": state.waiting,
            "resting": state.resting,
            "oldest-run": round(state.oldest, 3),
        }

    def _carrier(self) -> DeliveryService:
        if self._service is None:
            raise RuntimeError("the pool was not started")
        return self._service

    def _look_after(self, patience: float) -> None:
        carrier = self._carrier()
        carrier.settle_overdue(patience)
        carrier.relieve(_SILENCE)

    def _note_turn(self) -> None:
        self._last_turn = time.monotonic()

    def _leave(self) -> None:
        """Leave mails that rest to the journal; what was not begun goes back with the broker's channel."""
        resting = self._desk.remove(lambda item: isinstance(item, Errand) and item.mail is not None)
        by_job = {id(item.job): item for item in resting if isinstance(item, Errand)}
        mails = [errand.mail for errand in by_job.values() if errand.mail]

        def report(job: Job, verdict: Verdict) -> None:
            self._counter.done(Outcome(by_job[id(job)], verdict, 0.0))

        self._carrier().put_back(mails, report)
