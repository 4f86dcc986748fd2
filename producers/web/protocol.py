"""uvicorn's HTTP connection, with patience: for a request's headers it has none of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from producers.web import problems
from producers.web.problems import MEDIA_TYPE, Kind, Problem

if TYPE_CHECKING:
    import asyncio

#: Bytes of a request's first line and headers.
_MOST: Final = 64 * 1024


class Config(uvicorn.Config):
    """uvicorn's settings, with the seconds that headers may take and the number of connections."""

    def __init__(self, app: str, *, head_timeout: float, most_connections: int, **options: Any) -> None:
        super().__init__(app, http=Protocol, **options)
        self.head_timeout = head_timeout
        self.most_connections = most_connections


class Protocol(HttpToolsProtocol):
    """
    Closes connections whose headers do not arrive in time or are too large, and those above the limit.

    Without it, a client that sends a byte now and then keeps a connection for ever.
    """

    def __init__(self, config: Config, **options: Any) -> None:
        super().__init__(config, **options)
        self._head_timeout = config.head_timeout
        self._most_connections = config.most_connections
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Begin, unless there are too many already."""
        super().connection_made(transport)
        if len(self.connections) > self._most_connections:
            transport.abort()
            return
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._stop_awaiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes in; those of the headers are counted."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self._head_timer is not None and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > _MOST:
                self._refuse(problems.HEAD_TOO_LARGE, f"headers have at most {_MOST} bytes")

    def on_message_begin(self) -> None:
        """Note that a request begins."""
        super().on_message_begin()
        if self._head_timer is None:
            self._await_head()

    def on_headers_complete(self) -> None:
        """Note that the headers are there."""
        self._stop_awaiting()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP."""
        self._refuse(problems.MALFORMED, msg)

    def _await_head(self) -> None:
        self._head_bytes = 0
        self._head_timer = self.loop.call_later(self._head_timeout, self._too_slow)

    def _stop_awaiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _too_slow(self) -> None:
        self._head_timer = None
        self._refuse(problems.SLOW, f"the headers did not arrive within {self._head_timeout:g} seconds")

    def _refuse(self, kind: Kind, detail: str) -> None:
        self._stop_awaiting()
        if self.transport.is_closing():
            return
        # An answer under way must not have another one in its midst.
        if self.cycle is None or self.cycle.response_complete:  # type: ignore[redundant-expr]  # None at first
            self.transport.write(_answer(Problem(kind, detail)))
        self.transport.close()


def _answer(problem: Problem) -> bytes:
    body = problem.body()
    head = f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    return STATUS_LINE[problem.kind.status] + head.encode("ascii") + body
