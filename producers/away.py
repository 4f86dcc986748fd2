"""What to tell of a queue that does not do what it is asked for: whether it was reached, and what helps."""

from __future__ import annotations

from typing import Final

from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
)

from producers.errors import QueueUnavailable

#: What a Redis that answers means by its refusals.
_REFUSALS: Final[dict[type[BaseException], str]] = {
    OutOfMemoryError: "has no memory left: raise its maxmemory, or wait until mails are sent and results go",
    ReadOnlyError: "is a replica, which takes nothing: name its master or its sentinels",
    NoPermissionError: "does not let its user do this: give the user more rights, or name another",
    AuthorizationError: "does not let its user do this: give the user more rights, or name another",
    AuthenticationError: "refuses the login: look at user and password in its URL",
    BusyLoadingError: "still reads its files after a start: try again in a moment",
}
_DISK: Final = "cannot write to its disk: make room there"


def unavailable(error: BaseException) -> QueueUnavailable:
    """
    Return what to raise for *error*, its cause, which came of asking Redis or the queue.

    Only the kind of the error is quoted, since its words may hold parts of what was asked.
    """
    away = QueueUnavailable(f"the queue {_refusal(error) or 'cannot be reached'} ({type(error).__name__})")
    away.__cause__ = error
    return away


def located(away: QueueUnavailable, where: str, option: str) -> QueueUnavailable:
    """Return *away* with the place that was asked, and with how to name another where nobody answered."""
    is_refused = away.__cause__ is not None and _refusal(away.__cause__)
    advice = "" if is_refused else f": start it, or name another with {option}"
    return QueueUnavailable(f"{away} at {where}{advice}")


def _refusal(error: BaseException) -> str:
    if isinstance(error, ResponseError) and str(error).startswith("MISCONF"):
        return _DISK
    return next((meaning for kind, meaning in _REFUSALS.items() if isinstance(error, kind)), "")
