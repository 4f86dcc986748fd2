"""Around every request: a line in the log, a count, and an answer even where the gateway has a bug."""

from __future__ import annotations

import logging
import time
import traceback
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request

from producers.web import problems
from producers.web.handlers import answer_to
from producers.web.problems import Problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from producers.web.metrics import Metrics

logger = logging.getLogger(__name__)

#: What stands for the route of a request that has none: its path may hold anything.
_NO_ROUTE: Final = "-"
_METHODS: Final = frozenset({"GET", "POST", "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS"})
#: What the log says when the client went away before it was answered, as nginx does.
_GONE: Final = 499


class Access:
    """
    Logs and counts requests: by route, status and time, by the ids of key and mail.

    Never by what else they carry: no bodies, addresses, query strings or keys.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        scope.setdefault("state", {})
        status = 0

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception as error:  # noqa: BLE001 (the last resort: its text is neither shown nor logged)
            logger.error("bug", extra={"error": type(error).__name__, "where": _where(error)})  # noqa: TRY400
            if not status:
                problem = Problem(
                    problems.INTERNAL, "the log of the gateway says where; nothing was handed in"
                )
                await answer_to(Request(scope), problem)(scope, receive, watch)
        finally:
            self._note(scope, status or _GONE, time.perf_counter() - begun)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        method, route = _method(scope), getattr(scope.get("route"), "path_format", _NO_ROUTE)
        self._metrics.answered(method, route, status)
        if logger.isEnabledFor(logging.INFO):
            # As logger.info does, which looks through the stack for the line of this call.
            record = logging.LogRecord(__name__, logging.INFO, __file__, 0, "request", (), None)
            line: dict[str, Any] = {"method": method, "route": route, "status": status}
            record.__dict__.update(line, ms=round(seconds * 1000, 2), **scope["state"].get("log", {}))
            logger.handle(record)


def _method(scope: Scope) -> str:
    # A client may invent methods, and each would be a new time series.
    return scope["method"] if scope["method"] in _METHODS else "other"


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames[-4:]))
