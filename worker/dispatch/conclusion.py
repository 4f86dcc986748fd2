"""What the consumer's thread does with requests that are done: it counts, acknowledges and tells monitors."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from celery.worker.state import task_ready

from tasks.contract.codes import LocalCode
from tasks.delivery.job import PutBack, Settled
from tasks.send_email import Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from celery.worker.request import Request

    from worker.dispatch.items import Outcome

logger = logging.getLogger(__name__)


def conclude(outcomes: Sequence[Outcome]) -> None:
    """Acknowledge the messages of *outcomes*, whose results are stored."""
    for outcome in outcomes:
        request = outcome.errand.request
        try:
            # Celery's list of successes is for tasks that must not run twice; here the journal sees to that.
            task_ready(request)
            _acknowledge(request)
            _tell(request, outcome)
        except Exception as error:  # noqa: BLE001 (the others must be concluded; this one comes again)
            logger.error("not concluded", extra={"error": type(error).__name__})  # noqa: TRY400 (no content)


def flush_events(outcomes: Sequence[Outcome]) -> None:
    """Send the events that were kept, at the end of the worker: no turn of the loop will do it."""
    for dispatcher in {outcome.errand.request.eventer for outcome in outcomes}:
        if dispatcher:
            dispatcher.flush()


def put_back(outcomes: Sequence[Outcome]) -> None:
    """Give the messages of *outcomes* back, so that somebody stores the results in time."""
    for outcome in outcomes:
        request = outcome.errand.request
        task_ready(request)
        if is_current(request):
            request.reject(requeue=True)


def is_current(request: Request) -> bool:
    """
    Whether the channel that the request came by is still open.

    One of an earlier connection must not be acknowledged: the message was given to somebody else since, under
    the same tag.
    """
    channel: Any = request.message.channel
    return channel is not None and not getattr(channel, "closed", False) and channel.connection is not None


def _acknowledge(request: Request) -> None:
    if not request.acknowledged and is_current(request):
        request.message.ack_log_error(logger, request.connection_errors)
    request.acknowledged = True


def _tell(request: Request, outcome: Outcome) -> None:
    match outcome.verdict:
        case Settled(result) if result.code == LocalCode.CANCELLED:
            request.send_event("task-revoked", terminated=False, signum=None, expired=False)
        case Settled(result):
            request.send_event("task-succeeded", result=repr(Report(result)), runtime=outcome.seconds)
        case PutBack(code, message):
            request.send_event("task-retried", exception=f"{code} {message}", traceback="")
