"""Connections to Redis that are kept at hand, for the few commands that every mail costs."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, Final, Protocol

from hiredis import PushNotification, pack_command
from redis._parsers.hiredis import NOT_ENOUGH_DATA
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import ReadOnlyError, RedisError, ResponseError
from redis.exceptions import TimeoutError as TimedOut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis import Redis

    Command = tuple[str | bytes | int | float, ...]

# Its types know commands of one part only.
_pack: Any = pack_command

#: Bytes of an answer that are taken at once; most have less than a hundred.
_PIECE: Final = 64 * 1024

#: Seconds of rest after which it is looked whether the server has closed a connection: none is stopped and
#: started again in less, and who calls one after the other does not pay for the look.
_FRESH: Final = 0.01


class Caller(Protocol):
    """What sends commands, as `Link` does."""

    def call(self, *command: str | bytes | float) -> Any:
        """Send *command* and return the answer, or the error that it is."""

    def call_all(self, commands: Sequence[Command]) -> list[Any]:
        """Send *commands* together and return the answer to each, or the error that it is."""


class Link:
    """
    Sends commands without going through the pool: a third of the processor time of a pipeline.

    A connection is taken from the pool of *redis*, made as that says, and not given back: there are as many
    as there were callers at one time. So this is for programs with few threads that send much.
    """

    def __init__(self, redis: Redis) -> None:
        self._pool: Any = redis.connection_pool
        self._process = os.getpid()
        #: Connections that nobody uses, each with the moment when it was used last.
        self._idle: list[tuple[Any, float]] = []

    def call(self, *command: str | bytes | float) -> Any:
        """
        Send *command* and return the answer, or the error that it is.

        Raises:
            redis.RedisError: Redis cannot be reached, or the connection broke.
        """
        return self.call_all([command])[0]

    def call_all(self, commands: Sequence[Command]) -> list[Any]:
        """
        Send *commands* together and return the answer to each, or the error that it is.

        Raises:
            redis.RedisError: Redis cannot be reached, or the connection broke; nobody knows which of the
                commands were carried out.
        """
        if not commands:
            # Nothing would be answered to nothing.
            return []
        connection = self._taken()
        try:
            return _ask(connection, b"".join([_pack(command) for command in commands]), len(commands))
        except BaseException as error:
            # What comes next over this connection might be the answer to these commands.
            connection.disconnect()
            if isinstance(error, OSError):
                kind = TimedOut if isinstance(error, TimeoutError) else Disconnected
                raise kind(f"no answer ({type(error).__name__})") from error
            raise
        finally:
            self._idle.append((connection, time.monotonic()))

    def _taken(self) -> Any:
        if self._process != os.getpid():
            # Those of the process that this one was forked from are not to be used by both.
            self._idle, self._process = [], os.getpid()
        try:
            connection, used_at = self._idle.pop()
        except IndexError:
            return self._pool.get_connection()
        if time.monotonic() - used_at > _FRESH and _is_stale(connection):
            connection.disconnect()
        return connection


def _ask(connection: Any, commands: bytes, count: int) -> list[Any]:
    """
    Return the answers to *count* packed commands; the first nearly always comes in one piece.

    redis-py's own methods for it bind, format and note so much for each command that a lone mail would take a
    tenth longer; what comes behind the first piece they are left to.
    """
    if not connection.is_connected:
        connection.connect()
    connection.check_health()
    sock, reader = connection._sock, connection._parser._reader  # noqa: SLF001 - see above
    if sock is None or reader is None:
        raise Disconnected("another thread closed the connection")
    sock.sendall(commands)
    reader.feed(sock.recv(_PIECE))
    return [_answer(connection, reader) for _ in range(count)]


def _answer(connection: Any, reader: Any) -> Any:
    answer = reader.gets()
    if answer is NOT_ENOUGH_DATA or isinstance(answer, PushNotification):
        try:
            answer = connection.read_response()
        except ResponseError as error:
            answer = error
    # A master that became a replica answers everything so: what sentinels name instead must be connected to.
    is_of_the_connection = isinstance(answer, ReadOnlyError) or not isinstance(answer, ResponseError)
    if isinstance(answer, RedisError) and is_of_the_connection:
        raise answer
    return answer


def _is_stale(connection: Any) -> bool:
    """Whether the server closed *connection* while it rested: nothing was asked, so nothing comes."""
    try:
        return bool(connection.can_read())
    except (RedisError, OSError):
        return True
