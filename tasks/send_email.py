"""The Celery glue of `send_email`: a message comes in, a verdict goes out."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Final, Protocol

from celery import Task
from celery.exceptions import Ignore, Reject
from celery.worker.request import Request
from redis.exceptions import RedisError

from tasks.contract.names import TASK_NAME, Lane
from tasks.contract.queue import PUBLISH_OPTIONS
from tasks.delivery.job import Job, LeftAlone, PutBack, Settled, Suspect

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from celery import Celery

    from tasks.contract.result import SendEmailResult
    from tasks.delivery.job import Verdict

logger = logging.getLogger(__name__)

#: The state, as Celery has it, of a mail that waits in the journal for its next attempt.
RETRYING: Final = "RETRYING"

_LANES: Final = frozenset(Lane)

_ARGUMENTS = (PUBLISH_OPTIONS["argsrepr"], PUBLISH_OPTIONS["kwargsrepr"])

#: Seconds for which a worker leaves its message alone while the journal cannot be reached.
_JOURNAL_AWAY = 1.0


class Service(Protocol):
    """What the task hands its mails to."""

    def deliver(self, run: Sequence[Job]) -> list[Verdict]:
        """Bring each mail to a verdict."""


class Report:
    """
    A result on its way into the result backend, where it is stored as a mapping.

    Its `repr` is what Celery logs and Flower shows: one line, which begins with "sent" when it was.
    """

    def __init__(self, result: SendEmailResult) -> None:
        self.result = result

    def __json__(self) -> dict[str, Any]:
        """Return the mapping that `AsyncResult.get` yields (kombu's JSON encoder asks for it)."""
        return self.result.model_dump(mode="json")

    def __repr__(self) -> str:
        return f"{self.result.delivery}: {self.result.code} {self.result.message}"


class DiscreetRequest(Request):
    """
    A request that tells monitors the truth about the outcome and nothing about the arguments.

    `inspect` and Flower's worker page show real arguments whatever `kwargsrepr` says; here they never do.
    A mail that was not sent has a result, so for Celery its task succeeded; its event says "failed", so that
    Flower and its metrics count it as what it is (contract, section 5).
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A producer by name may have left the arguments' repr to Celery, which then shows all of them.
        self._argsrepr, self._kwargsrepr = _ARGUMENTS
        self.request_dict.update(argsrepr=self._argsrepr, kwargsrepr=self._kwargsrepr)

    @property
    def channel(self) -> Any:
        """Where the message came from, and is acknowledged."""
        return self.message.channel

    @property
    def lane(self) -> str:
        """The lane that the message came by."""
        return lane_of(self.delivery_info)

    @property
    def parameters(self) -> dict[str, Any]:
        """What the message says; positional arguments are a mistake that validation names."""
        args, kwargs = self.request_dict["args"], self.request_dict["kwargs"]
        return {"args": list(args), **kwargs} if args else kwargs

    @property
    def is_part_of_canvas(self) -> bool:
        """Whether something is to follow on the result: a link, a chain, a group or a chord."""
        request: Any = self
        _, _, embed = request._payload  # noqa: SLF001 (Celery's own: the message's, brought into today's form)
        return any((embed or {}).values()) or bool(self.group)

    def info(self, safe: bool = False) -> Any:  # noqa: ARG002, FBT001, FBT002 (Celery's signature)
        """Return the facts of this request with its arguments redacted."""
        return super().info(safe=True)

    def send_event(self, type: str, **fields: Any) -> None:  # noqa: A002 (Celery's signature)
        """Send a task event, as failed where the mail was not sent to everybody."""
        if type == "task-succeeded" and not (outcome := str(fields.get("result", ""))).startswith("sent:"):
            type = "task-failed"  # noqa: A001 (as above)
            fields = {"exception": outcome, "traceback": "", "runtime": fields.get("runtime")}
        super().send_event(type, **fields)


class SendEmailTask(Task[Any, Any]):
    """The base of the task: discreet towards monitors, tolerant of any arguments."""

    Request = f"{__name__}:{DiscreetRequest.__name__}"
    typing = False
    acks_late = True
    #: What the mails are handed to, made in the process that asks for it.
    service: Callable[[], Service]


def register(app: Celery, service: Callable[[], Service], **options: Any) -> SendEmailTask:
    """
    Add `send_email` to *app* and to no other app of the process.

    *service* is called in the process that runs the task, so that nothing of it is shared across a fork;
    *options* are those of a Celery task.
    """

    def send_email(self: SendEmailTask, *args: Any, **parameters: Any) -> Report:
        """Send one mail (see docs/contract.md)."""
        lane = lane_of(self.request.delivery_info)
        job = Job(str(self.request.id), lane, {"args": list(args), **parameters} if args else parameters)
        return _report(self, _verdict(service(), job))

    options |= {"name": TASK_NAME, "bind": True, "base": SendEmailTask, "shared": False}
    task: SendEmailTask = app.task(**options)(send_email)
    task.service = service
    return task


def _verdict(service: Service, job: Job) -> Verdict:
    try:
        return service.deliver([job])[0]
    except RedisError as error:
        time.sleep(_JOURNAL_AWAY)
        raise Reject("the journal cannot be reached", requeue=True) from error


def _report(task: SendEmailTask, verdict: Verdict) -> Report:
    match verdict:
        case Settled():
            if verdict.is_resent:
                _make_way(task)
            return Report(verdict.result)
        case PutBack():
            task.update_state(state=RETRYING, meta=progress_of(verdict))
            task.send_event("task-retried", exception=f"{verdict.code} {verdict.message}", traceback="")
            raise Ignore("put back")
        case Suspect():
            raise Ignore("to be taken up alone")
        case LeftAlone():
            raise Ignore(verdict.reason)


def progress_of(verdict: PutBack) -> dict[str, Any]:
    """Return what those who ask Celery get to see of a mail that waits for its next attempt."""
    return {"code": verdict.code, "message": verdict.message, "wait": round(verdict.wait, 1)}


def _make_way(task: SendEmailTask) -> None:
    """Have Celery forget the first result of a resent mail: it keeps the first success, whatever comes."""
    try:
        task.backend.forget(str(task.request.id))
    except (RedisError, OSError) as error:
        logger.warning("first result kept by Celery", extra={"error": type(error).__name__})


def lane_of(delivery_info: Mapping[str, Any] | None) -> str:
    """Return the lane of a message: the queue that it came by."""
    queue = (delivery_info or {}).get("routing_key")
    return queue if queue in _LANES else Lane.DEFAULT
