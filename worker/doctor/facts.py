"""What a Redis or Valkey server says of itself, and how it treats those who do not log in."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from redis import Connection, ConnectionPool, Redis
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError, ResponseError
from redis.sentinel import SentinelConnectionPool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SECTIONS: Final = ("server", "memory", "persistence", "replication")
_SETTINGS: Final = ("appendfsync", "bind", "min-replicas-to-write")
#: What a stranger's connection has not: a login, and the pool that it is part of.
_OURS: Final = ("username", "password", "credential_provider", "connection_pool")

#: What a server answers that does not allow a command, or has it under another name.
_FORBIDDEN: Final = (NoPermissionError, ResponseError)


@dataclass(frozen=True, slots=True)
class Facts:
    """
    What could be learned about a server; what it does not tell us is missing.

    *seconds_off* is how far this machine's clock is ahead of the server's. *is_open* says whether somebody
    who gives no password is let in, *runs_scripts* whether we may run scripts.
    """

    info: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, str] = field(default_factory=dict)
    is_open: bool | None = None
    runs_scripts: bool = True
    seconds_off: float | None = None


def look(redis: Redis) -> Facts:
    """
    Return the facts of the server that *redis* talks to.

    Raises:
        redis.RedisError: it does not answer, or does not let us in.
    """
    redis.ping()
    return Facts(
        info=_info(redis),
        config=_config(redis),
        is_open=_lets_in_anybody(redis),
        runs_scripts=_may(lambda: redis.eval("return 1", 0)),
        seconds_off=_seconds_off(redis),
    )


def _may(command: Callable[[], object]) -> bool:
    try:
        command()
    except _FORBIDDEN:
        return False
    return True


def _info(redis: Redis) -> dict[str, Any]:
    found: dict[str, Any] = {}
    try:
        for section in _SECTIONS:
            found.update(redis.info(section))
    except _FORBIDDEN:
        return found
    return found


def _config(redis: Redis) -> dict[str, str]:
    found: dict[str, str] = {}
    try:
        for name in _SETTINGS:
            found.update(_texts(redis.config_get(name)))
    except _FORBIDDEN:
        return found
    return found


def _texts(answer: Mapping[Any, Any]) -> dict[str, str]:
    return {str(name): str(value) for name, value in answer.items()}


def _lets_in_anybody(redis: Redis) -> bool | None:
    pool: Any = redis.connection_pool
    options = {name: value for name, value in pool.connection_kwargs.items() if name not in _OURS}
    kind = pool.connection_class
    if isinstance(pool, SentinelConnectionPool):
        sentinels: Any = pool  # redis-py types it in part
        options["host"], options["port"] = sentinels.get_master_address()
        kind = Connection
    stranger = Redis(connection_pool=ConnectionPool(connection_class=kind, **options))
    try:
        return bool(stranger.ping())
    except (AuthenticationError, *_FORBIDDEN):
        return False
    except RedisError:
        return None
    finally:
        stranger.close()
        stranger.connection_pool.disconnect()


def _seconds_off(redis: Redis) -> float | None:
    before = time.time()
    try:
        seconds, microseconds = redis.time()
    except _FORBIDDEN:
        return None
    # The server looked at its clock at some moment in between.
    return (before + time.time()) / 2 - (seconds + microseconds / 1e6)
