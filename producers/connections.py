"""Connections to Redis that are made, or given up on, in time, whatever the name service does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from redis import Connection, ConnectionPool, Redis, SSLConnection
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.exceptions import RedisError
from redis.retry import Retry
from redis.sentinel import SentinelManagedConnection

from producers.away import unavailable
from producers.resolving import addresses
from tasks.contract.places import is_sentinel
from tasks.deadline import Deadline
from tasks.journal.connecting import client_of

if TYPE_CHECKING:
    import socket
    from contextlib import AbstractContextManager

#: Seconds that a new connection may take until its TCP handshake is done: looking up the name, and all of
#: its addresses.
LONGEST_CONNECT: Final = 2.0

#: Seconds for one address.
_LONGEST_HANDSHAKE: Final = 1.0

#: Seconds that a command may take.
_LONGEST_ANSWER: Final = 2.0

#: What every connection is made with. A lost answer must not make it write again: the caller decides.
_PROMPT: Final[dict[str, Any]] = {
    "socket_timeout": _LONGEST_ANSWER,
    "socket_connect_timeout": _LONGEST_HANDSHAKE,
    "retry": Retry(NoBackoff(), 0),
}


class PromptConnection(Connection):
    """
    A connection that does not wait for the name service for longer than for the server.

    redis-py bounds each address and each answer, but `getaddrinfo` takes no timeout: a resolver that does not
    answer holds a caller for 10 to 30 seconds.
    """

    def _connect(self) -> socket.socket:
        deadline = Deadline.after(LONGEST_CONNECT)
        name = self.host
        last: OSError = OSError(f"{name} has no address")
        try:
            for address in addresses(name, self.port, deadline):
                if deadline.remaining <= 0:
                    break
                self.host = address
                try:
                    connection: socket.socket = super()._connect()  # type: ignore[no-untyped-call] # redis-py types its public names
                except OSError as error:
                    last = error
                else:
                    return connection
        finally:
            # What follows, TLS for one, is about the name.
            self.host = name
        raise last


class PromptTlsConnection(SSLConnection, PromptConnection):
    """The same with TLS, which is set up for the name."""


class PromptSentinelConnection(SentinelManagedConnection, PromptConnection):
    """The same to the master that sentinels name."""


def connect(url: str, **more: Any) -> Redis:
    """
    Return a client of the Redis at *url* that answers or raises `redis.RedisError` within seconds.

    A lost answer does not make it write again: the caller decides. *more* are further options of redis-py's
    connections.
    """
    if is_sentinel(url):
        return client_of(url, **_PROMPT, **more, connection_class=PromptSentinelConnection)
    options = {**_PROMPT, **parse_url(url), **more}  # type: ignore[no-untyped-call] # as above
    prompt = {Connection: PromptConnection, SSLConnection: PromptTlsConnection}
    # A Unix socket has no name to look up.
    plain = options.pop("connection_class", Connection)
    return Redis.from_pool(ConnectionPool(prompt.get(plain, plain), **options))


class _Reaching:
    """A block in which Redis is asked: a class, since many a mail passes it and a generator costs more."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (RedisError, OSError)):
            raise unavailable(error) from error


_REACHING: Final = _Reaching()


def reaching() -> AbstractContextManager[None]:
    """Say in the block that this is for that the queue is away where Redis cannot be reached."""
    return _REACHING
