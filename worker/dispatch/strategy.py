"""From a message to the desk, by Celery's own extension point for it."""

from __future__ import annotations

import logging
from json.encoder import encode_basestring_ascii as quoted
from typing import TYPE_CHECKING, Any, Final

from celery import signals
from celery.app import trace
from celery.worker import state, strategy

from tasks.contract.names import TASK_NAME
from tasks.contract.queue import PUBLISH_OPTIONS
from tasks.send_email import DiscreetRequest, SendEmailTask
from worker.dispatch.events import Told, tell, written
from worker.dispatch.lean import LeanRequest, Surroundings
from worker.ordinary import read_ordinary

if TYPE_CHECKING:
    from celery import Celery

    from worker.dispatch.items import Errand
    from worker.trims.channel import Fetched

# Celery's own, so that its line about a received task keeps its name.
logger = logging.getLogger(strategy.__name__)
_state: Any = state

#: What the event of a received mail says, but for the id of the task that began it all.
_RECEIVED: Final = written(
    name=TASK_NAME,
    args=PUBLISH_OPTIONS["argsrepr"],
    kwargs=PUBLISH_OPTIONS["kwargsrepr"],
    parent_id=None,
    retries=0,
    eta=None,
    expires=None,
)


class Mails:
    """
    Takes the messages of *task*: an ordinary mail goes to the pool at once.

    Whatever asks more of Celery goes its way: another protocol, an ETA, an expiry, a canvas, stamps, or a
    rate limit. A mail that was revoked goes to the pool as well, which has the journal cancel it: left out
    here, it would come again.
    """

    def __init__(self, task: SendEmailTask, app: Celery, consumer: Any) -> None:
        self._celerys = strategy.default(task, app, consumer)
        self._consumer = consumer
        self._common = Surroundings(app, consumer.hostname, task, consumer.connection_errors)
        self._is_told = logger.isEnabledFor(logging.INFO)

    def __call__(self, message: Any, body: Any, ack: Any, reject: Any, callbacks: Any) -> object:
        """Take a message of kombu's."""
        if body is not None or not _is_ordinary(message) or self._is_limited():
            return self._celerys(message, body, ack, reject, callbacks)
        eventer = self._consumer.event_dispatcher
        request: Any = DiscreetRequest(
            message, on_ack=ack, on_reject=reject, eventer=eventer, **self._common._asdict()
        )
        if self._is_told:
            _tell_log(request)
        if signals.task_received.receivers:
            signals.task_received.send(sender=self._consumer, request=request)
        request.send_event(
            "task-received",
            name=request.name,
            args=request.argsrepr,
            kwargs=request.kwargsrepr,
            root_id=request.root_id,
            parent_id=request.parent_id,
            retries=0,
            eta=None,
            expires=None,
        )
        _state.task_reserved(request)
        self._consumer.pool.take([self._consumer.pool.errand(request)])
        return None

    def take_fetched(self, channel: Any, fetched: list[Fetched]) -> list[Fetched]:
        """Take what is ordinary of that which *channel* has *fetched*, and return the rest."""
        if self._is_limited() or signals.task_received.receivers:
            return fetched
        errands, left = [], []
        for each in fetched:
            errand = self._errand(channel, each)
            if errand:
                errands.append(errand)
            else:
                left.append(each)
        if errands:
            self._take(errands)
        return left

    def _errand(self, channel: Any, fetched: Fetched) -> Errand | None:
        try:
            if mail := read_ordinary(fetched.raw):
                eventer = self._consumer.event_dispatcher
                request = LeanRequest(mail, fetched, channel, eventer, self._common)
                errand: Errand = self._consumer.pool.errand(request)
                return errand
        except Exception:  # noqa: BLE001 (the long way sets aside what cannot be taken up)
            return None
        return None

    def _is_limited(self) -> bool:
        return bool(self._consumer.task_buckets[TASK_NAME])

    def _take(self, errands: list[Errand]) -> None:
        requests = [errand.request for errand in errands]
        if self._is_told:
            for request in requests:
                _tell_log(request)
        tell(requests, [_received(request) for request in requests])
        for request in requests:
            _state.task_reserved(request)
        self._consumer.pool.take(errands, is_all=True)


def _received(request: DiscreetRequest) -> Told:
    return Told("task-received", request.id, f'{_RECEIVED},"root_id":{quoted(request.root_id or "")}')


def _is_ordinary(message: Any) -> bool:
    asked, payload = message.headers.get, message.payload
    if asked("eta") or asked("expires") or asked("group") or asked("retries") or asked("stamped_headers"):
        return False
    return isinstance(payload, list | tuple) and not any((payload[2] or {}).values())


def _tell_log(request: Any) -> None:
    context = {
        "id": request.id,
        "name": request.name,
        "args": request.argsrepr,
        "kwargs": request.kwargsrepr,
        "eta": None,
    }
    logger.info(trace.LOG_RECEIVED, context, extra={"data": context})
