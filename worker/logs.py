"""One line a fact: JSON for machines, or plain lines for people; never what a mail says."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Final

import structlog
from celery._state import get_current_task

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

    from worker.settings import Settings

#: What Celery hangs on its records: the task's arguments, its result, and a traceback with both.
_SPEAKING: Final = ("data", "args", "kwargs", "return_value")

#: Libraries that say at DEBUG, or even at INFO, what they carry.
_TALKATIVE: Final = ("kombu", "amqp", "celery.pool", "celery.worker.strategy", "celery.utils.functional")


def set_up(settings: Settings) -> None:
    """Send all logging of this process to standard error, in the form that *settings* names."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(settings))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.INFO, root.level))


def formatter(settings: Settings) -> logging.Formatter:
    """Return the formatter that *settings* names."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        _drop_arguments,
        _add_task,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if settings.log_format == "json"
        else [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )


def _drop_arguments(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    for name in _SPEAKING:
        event.pop(name, None)
    return event


def _add_task(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Name the mail in whose service a line was written."""
    task = get_current_task()
    if task is not None:
        event.setdefault("mail_id", task.request.id)
    return event
