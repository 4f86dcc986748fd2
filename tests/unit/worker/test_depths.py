"""How many messages wait is asked over a connection that is kept until it breaks."""

from __future__ import annotations

from collections import deque
from types import SimpleNamespace
from typing import Any

import pytest
from amqp.exceptions import RecoverableConnectionError
from kombu.exceptions import ChannelError, OperationalError

from worker.depths import AWAY, Depths


class Connection:
    """A connection that answers with each of *answers*, or raises it."""

    def __init__(self, *answers: int | Exception) -> None:
        self._answers = deque(answers)
        self.default_channel = SimpleNamespace(queue_declare=self._declare)
        self.is_released = False

    def _declare(self, **_: Any) -> Any:
        answer = self._answers.popleft()
        if isinstance(answer, Exception):
            raise answer
        return SimpleNamespace(message_count=answer)

    def release(self) -> None:
        self.is_released = True


def depths(*connections: Connection) -> Depths:
    left = iter(connections)
    app: Any = SimpleNamespace(connection_for_write=lambda: next(left))
    return Depths(app)


def test_a_kept_connection_that_broke_is_replaced_unseen() -> None:
    broken, fresh = Connection(7, RecoverableConnectionError()), Connection(8)
    asked = depths(broken, fresh)

    assert [asked.of(["bulk"]), asked.of(["bulk"])] == [{"bulk": 7}, {"bulk": 8}]
    assert (broken.is_released, fresh.is_released) == (True, False)


def test_a_broker_that_is_away_is_said_to_be_and_asked_anew_next_time() -> None:
    first, second = Connection(OperationalError()), Connection(9)
    asked = depths(first, second)

    with pytest.raises(AWAY):
        asked.of(["bulk"])

    assert asked.of(["bulk"]) == {"bulk": 9}
    assert first.is_released


def test_a_kept_connection_over_which_anything_went_wrong_is_not_asked_again() -> None:
    odd, fresh = Connection(7, AttributeError()), Connection(8)
    asked = depths(odd, fresh)
    asked.of(["bulk"])

    with pytest.raises(AttributeError):
        asked.of(["bulk"])

    assert odd.is_released
    assert asked.of(["bulk"]) == {"bulk": 8}


def test_a_queue_that_is_not_there_holds_nothing() -> None:
    assert depths(Connection(2, ChannelError(), 3)).of_those_there(["reset", "default", "bulk"]) == 5
