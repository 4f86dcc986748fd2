"""What is told of a queue that does not do what it is asked for."""

from __future__ import annotations

import pytest
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
)
from redis.exceptions import ConnectionError as Disconnected

from producers.away import located, unavailable

REFUSALS = {
    "memory": (OutOfMemoryError("OOM command not allowed canary"), "no memory left"),
    "replica": (ReadOnlyError("READONLY canary"), "is a replica"),
    "rights": (NoPermissionError("NOPERM canary"), "more rights"),
    "login": (AuthenticationError("WRONGPASS canary"), "user and password"),
    "loading": (BusyLoadingError("LOADING canary"), "in a moment"),
    "disk": (ResponseError("MISCONF Errors writing to the AOF file: No space left canary"), "its disk"),
}


@pytest.mark.parametrize(("error", "words"), REFUSALS.values(), ids=REFUSALS)
def test_a_queue_that_refuses_says_why_and_what_helps_and_quotes_nothing(
    error: Exception, words: str
) -> None:
    said = str(located(unavailable(error), "127.0.0.1:6379", "--broker"))

    assert words in said
    assert said.endswith(f"({type(error).__name__}) at 127.0.0.1:6379")
    assert "canary" not in said
    assert "cannot be reached" not in said


@pytest.mark.parametrize("error", [Disconnected("canary"), OSError("canary"), ResponseError("ERR canary")])
def test_a_queue_that_did_not_answer_is_to_be_started_or_another_named(error: Exception) -> None:
    said = str(located(unavailable(error), "127.0.0.1:6379", "--broker"))

    name = type(error).__name__
    assert said == (
        f"the queue cannot be reached ({name}) at 127.0.0.1:6379: start it, or name another with --broker"
    )
