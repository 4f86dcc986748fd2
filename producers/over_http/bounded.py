"""HTTP connections that end at a deadline, whatever the name service, the network or the server do."""

from __future__ import annotations

import functools
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

import httpcore
import httpx

from producers.resolving import addresses
from producers.rest import Resting
from tasks.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: Seconds for one address, and for a name with all of its addresses.
_LONGEST_HANDSHAKE: Final = 1.0
_LONGEST_CONNECT: Final = 2.0
#: Connections that threads may have at once; seconds after which an idle one is not used again. A gateway
#: keeps them for longer, so that a request seldom meets one that is being closed.
_MOST: Final = 100
_IDLE: Final = 10.0

_deadline: ContextVar[Deadline] = ContextVar("deadline")

#: What sending can fail with.
FAILURES: Final = (
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpx.TransportError,
    OSError,
)
#: Those of them with which the request has reached nobody.
NOT_ARRIVED: Final = (
    httpcore.ConnectError,
    httpcore.ConnectTimeout,
    httpcore.PoolTimeout,
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    Resting,
)


@functools.cache
def tls() -> Any:
    """Return what certificates are checked with: SSL_CERT_FILE or SSL_CERT_DIR, else certifi's list."""
    return httpx.create_ssl_context()


@contextmanager
def bounded(seconds: float) -> Iterator[None]:
    """Have all that is sent and received in this block, and this thread, end within *seconds*."""
    token = _deadline.set(Deadline.after(seconds))
    try:
        yield
    finally:
        _deadline.reset(token)


def _within(timeout: float | None, error: type[Exception]) -> float:
    remaining = _deadline.get().remaining
    if remaining <= 0:
        raise error("the time is over")
    return remaining if timeout is None else min(timeout, remaining)


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _within(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _within(timeout, httpcore.WriteTimeout))

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        within = _within(timeout, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, within))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def close(self) -> None:
        self._stream.close()


class _Network(httpcore.NetworkBackend):
    """Connects as httpcore does, with the deadline of the block in which it happens."""

    def __init__(self) -> None:
        self._network = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        deadline = _deadline.get().sooner(_LONGEST_CONNECT)
        last: Exception = httpcore.ConnectError("the name has no address")
        try:
            found = addresses(host, port, deadline)
        except OSError as error:
            raise httpcore.ConnectError(type(error).__name__) from None
        for address in found:
            seconds = min(_LONGEST_HANDSHAKE, deadline.remaining, timeout or _LONGEST_HANDSHAKE)
            if seconds <= 0:
                break
            try:
                return _Stream(
                    self._network.connect_tcp(address, port, seconds, local_address, socket_options)
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        raise last


class BoundedTransport(httpx.BaseTransport):
    """
    Carries requests over kept connections, each within the block `bounded` that it is made in.

    It goes to the host of the URL and to no proxy: the API key is shown to nobody else.
    """

    def __init__(self) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls(),
            max_connections=_MOST,
            keepalive_expiry=_IDLE,
            network_backend=_Network(),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send *request* and return the answer, whose body is still to be read."""
        url = request.url
        place = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        answer = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=place,
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            answer.status, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions
        )

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()
