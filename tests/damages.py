"""What somebody may do to a mail's record in Redis by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tasks.journal.keys import MAIL

if TYPE_CHECKING:
    from collections.abc import Callable


def _another_type(redis: Any, mail_id: str) -> None:
    redis.delete(MAIL + mail_id)
    redis.rpush(MAIL + mail_id, "canary")


def _without(field: str) -> Callable[[Any, str], None]:
    return lambda redis, mail_id: redis.hdel(MAIL + mail_id, field)


def _with(field: str, value: str) -> Callable[[Any, str], None]:
    return lambda redis, mail_id: redis.hset(MAIL + mail_id, field, value)


def _wordy(field: str) -> Callable[[Any, str], None]:
    return _with(field, "canary")


#: Each does its damage to the record of a mail that waits.
DAMAGES: Final[dict[str, Callable[[Any, str], None]]] = {
    "of another type": _another_type,
    "never due": _without("due"),
    "never published": _without("published"),
    "of no lane": _without("lane"),
    "published in words": _wordy("published"),
    "due in words": _wordy("due"),
    "due at nan": _with("due", "nan"),
}
