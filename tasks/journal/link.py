"""A connection to Redis that each thread keeps, for the few commands that every mail costs."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any, Final, Protocol

from hiredis import pack_command
from redis.exceptions import RedisError, ResponseError

if TYPE_CHECKING:
    from redis import Redis


# Its types know commands of one part only.
_pack: Any = pack_command

#: Seconds of rest after which it is looked whether the server has closed a connection.
_FRESH: Final = 0.5


class Caller(Protocol):
    """What sends single commands."""

    def call(self, *command: str | bytes | int) -> Any:
        """Send *command* and return the answer, or the error that it is; raises `redis.RedisError`."""


class Link:
    """
    Sends single commands without going through the pool: a third of the processor time of a pipeline.

    A connection belongs to its thread for good, so this is for programs with few threads that send much; it
    is taken from the pool of *redis*, and made as that says.
    """

    def __init__(self, redis: Redis) -> None:
        self._pool: Any = redis.connection_pool
        self._own = threading.local()

    def call(self, *command: str | bytes | int) -> Any:
        """
        Send *command* and return the answer, or the error that it is.

        Raises:
            redis.RedisError: Redis cannot be reached, or the connection broke.
        """
        connection = self._connection()
        try:
            connection.send_packed_command([_pack(command)], check_health=True)
            return connection.read_response()
        except ResponseError as error:
            return error
        except BaseException:
            # What comes next over this connection might be the answer to this command.
            connection.disconnect()
            raise

    def _connection(self) -> Any:
        own = self._own
        if getattr(own, "pid", None) != os.getpid():
            own.connection, own.pid = self._pool.get_connection(), os.getpid()
        elif time.monotonic() - own.used_at > _FRESH and _is_stale(own.connection):
            own.connection.disconnect()
        own.used_at = time.monotonic()
        return own.connection


def _is_stale(connection: Any) -> bool:
    """Whether the server closed *connection* while it rested: nothing was asked, so nothing comes."""
    try:
        return bool(connection.can_read())
    except (RedisError, OSError):
        return True
