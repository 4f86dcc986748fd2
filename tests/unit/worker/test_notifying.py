"""The thread that sees to it that actors are told of resets that failed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from redis.exceptions import ConnectionError as RedisConnectionError

from worker.notifying import Notifying

if TYPE_CHECKING:
    import pytest


class FailingOnce:
    """Notices that cannot be handed in the first times, and that say when they were."""

    def __init__(self) -> None:
        self.looks = 0
        self.twice = threading.Event()

    def tell(self) -> int:
        self.looks += 1
        if self.looks == 1:
            raise RedisConnectionError("canary")
        if self.looks == 2:
            raise KeyError("canary")
        self.twice.set()
        return 3


def test_it_looks_until_it_is_stopped_whatever_happens(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    notices = FailingOnce()
    notifying = Notifying(notices, interval=0.01)  # type: ignore[arg-type]  # a double
    notifying.start()

    assert notices.twice.wait(10)
    notifying.stop()
    notifying._thread.join(10)  # noqa: SLF001 (its end is what is asked for)
    assert not notifying._thread.is_alive()  # noqa: SLF001 (as above)
    assert "actors not told" in caplog.text
    assert "canary" not in caplog.text
