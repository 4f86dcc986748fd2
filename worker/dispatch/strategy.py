"""From a message to the desk, by Celery's own extension point for it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from celery import signals
from celery.app import trace
from celery.worker import state, strategy

from tasks.send_email import DiscreetRequest, SendEmailTask

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery

# Celery's own, so that its line about a received task keeps its name.
logger = logging.getLogger(strategy.__name__)
_state: Any = state


def mails(task: SendEmailTask, app: Celery, consumer: Any) -> Callable[..., object]:
    """
    Return what takes the messages of *task*: an ordinary mail goes to the pool at once.

    Whatever asks more of Celery goes its way: another protocol, an ETA, an expiry, a canvas, stamps, or a
    rate limit. A mail that was revoked goes to the pool as well, which has the journal cancel it: left out
    here, it would come again.
    """
    celerys = strategy.default(task, app, consumer)
    options = {
        "app": app,
        "hostname": consumer.hostname,
        "eventer": consumer.event_dispatcher,
        "task": task,
        "connection_errors": consumer.connection_errors,
    }
    is_told = logger.isEnabledFor(logging.INFO)

    def take(message: Any, body: Any, ack: Any, reject: Any, callbacks: Any) -> object:
        if body is not None or not _is_ordinary(message) or consumer.task_buckets[task.name]:
            return celerys(message, body, ack, reject, callbacks)
        request: Any = DiscreetRequest(message, on_ack=ack, on_reject=reject, **options)
        if is_told:
            _tell_log(request)
        if signals.task_received.receivers:
            signals.task_received.send(sender=consumer, request=request)
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
        consumer.pool.take(request)
        return None

    return take


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
