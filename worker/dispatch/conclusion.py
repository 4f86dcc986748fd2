"""What the consumer's thread does with requests that are done: it counts, acknowledges and tells monitors."""

from __future__ import annotations

import logging
from json.encoder import encode_basestring_ascii as quoted
from typing import TYPE_CHECKING, Any, Final

from celery.worker.state import task_ready

from tasks.contract.codes import LocalCode
from tasks.delivery.job import PutBack, Settled
from tasks.send_email import Report
from worker.dispatch.events import Told, tell, written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.send_email import DiscreetRequest
    from worker.dispatch.items import Outcome

logger = logging.getLogger(__name__)

_REVOKED: Final = written(terminated=False, signum=None, expired=False)


def conclude(outcomes: Sequence[Outcome]) -> None:
    """Acknowledge the messages of *outcomes*, whose results are stored."""
    requests: list[DiscreetRequest] = []
    news: list[Told] = []
    for outcome in outcomes:
        request = outcome.errand.request
        try:
            # Celery's list of successes is for tasks that must not run twice; here the journal sees to that.
            task_ready(request)
            _acknowledge(request)
            if told := _told(outcome):
                requests.append(request)
                news.append(told)
        except Exception as error:  # noqa: BLE001 (the others must be concluded; this one comes again)
            logger.error("not concluded", extra={"error": type(error).__name__})  # noqa: TRY400 (no content)
    tell(requests, news)


def flush_events(outcomes: Sequence[Outcome]) -> None:
    """Send the events that were kept, at the end of the worker: no turn of the loop will do it."""
    for dispatcher in {outcome.errand.request.eventer for outcome in outcomes}:
        if dispatcher:
            dispatcher.flush()


def put_back(outcomes: Sequence[Outcome]) -> None:
    """Give the messages of *outcomes* back, so that somebody stores the results in time."""
    for outcome in outcomes:
        request = outcome.errand.request
        try:
            task_ready(request)
            if is_current(request):
                request.reject(requeue=True)
        except Exception as error:  # noqa: BLE001 (the others must go back; this one does with its channel)
            logger.error("not put back", extra={"error": type(error).__name__})  # noqa: TRY400 (no content)


def is_current(request: DiscreetRequest) -> bool:
    """
    Whether the channel that the request came by is still open.

    One of an earlier connection must not be acknowledged: the message was given to somebody else since, under
    the same tag.
    """
    channel: Any = request.channel
    return channel is not None and not getattr(channel, "closed", False) and channel.connection is not None


def _acknowledge(request: DiscreetRequest) -> None:
    if not request.acknowledged and is_current(request):
        request.acknowledge()
    request.acknowledged = True


def _told(outcome: Outcome) -> Told | None:
    task_id, verdict = outcome.errand.request.id, outcome.verdict
    match verdict:
        case Settled(result) if result.code == LocalCode.CANCELLED:
            return Told("task-revoked", task_id, _REVOKED)
        case Settled(result):
            text = repr(Report(result))
            if text.startswith("sent:"):
                return Told(
                    "task-succeeded", task_id, f',"result":{quoted(text)},"runtime":{outcome.seconds!r}'
                )
            return Told(
                "task-failed", task_id, written(exception=text, traceback="", runtime=outcome.seconds)
            )
        case PutBack(code, message):
            return Told("task-retried", task_id, written(exception=f"{code} {message}", traceback=""))
    return None
