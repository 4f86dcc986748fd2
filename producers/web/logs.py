"""One line a request, as JSON for machines or plain for people; never what a mail says."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Protocol, TextIO

import structlog

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

    class Settings(Protocol):
        """What the log needs to know."""

        @property
        def log_level(self) -> str: ...  # noqa: D102 (the setting of that name)
        @property
        def log_format(self) -> str: ...  # noqa: D102 (as above)


#: Libraries that say at DEBUG what they carry.
_TALKATIVE: Final = ("asyncio", "kombu", "amqp", "multipart", "python_multipart")
#: Libraries that say at INFO which addresses they ask.
_INDISCREET: Final = ("httpx", "httpcore")
#: What every record has; the rest are the facts that it was given.
_USUAL: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "color_message"}
_ENCODE: Final = json.JSONEncoder(default=str).encode


class Json(logging.Formatter):
    """
    Writes a record as one JSON object, in the worker's form.

    By hand, because at a thousand lines a second structlog's way takes a tenth of the processor.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, object] = {
            "event": record.getMessage(),
            "level": record.levelname.lower(),
            "logger": record.name,
            **{name: value for name, value in record.__dict__.items() if name not in _USUAL},
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        line["timestamp"] = datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z")
        return _ENCODE(line)


class Together(logging.StreamHandler[TextIO]):
    """
    Writes the lines of one turn of the event loop together; outside of a loop each line at once.

    Each write lets go of the interpreter, which then is another thread's for a while: hundreds of requests a
    second would wait for that more than for anything else.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Write *record* now or at the end of this turn."""
        try:
            self._lines.append(self.format(record))
            if len(self._lines) == 1:
                self._write_soon()
        except Exception:  # noqa: BLE001 (as every handler of logging)
            self.handleError(record)

    def flush(self) -> None:
        """Write what waits."""
        with self.lock or nullcontext():
            lines, self._lines = self._lines, []
            if lines:
                self.stream.write("\n".join([*lines, ""]))
            super().flush()

    def _write_soon(self) -> None:
        try:
            asyncio.get_running_loop().call_soon(self.flush)
        except RuntimeError:
            self.flush()


def set_up(settings: Settings) -> None:
    """Send all logging of this process to standard error, in the form that *settings* names."""
    handler = Together(sys.stderr)
    handler.setFormatter(formatter(settings))
    # No line says these, and each would be found out for each line.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.INFO, root.level))
    for name in _INDISCREET:
        logging.getLogger(name).setLevel(logging.WARNING)


def formatter(settings: Settings) -> logging.Formatter:
    """Return the formatter that *settings* names."""
    if settings.log_format == "json":
        return Json()
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        _drop_colours,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    console = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, console],
    )


def _drop_colours(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Drop uvicorn's second copy of what it says."""
    event.pop("color_message", None)
    return event
