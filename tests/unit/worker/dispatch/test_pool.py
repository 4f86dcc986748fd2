"""What the pool keeps when the connection to the broker is lost."""

from __future__ import annotations

from typing import Any

from tasks.contract.names import Lane
from tasks.delivery.job import Job
from worker.dispatch.counter import Counter
from worker.dispatch.desk import Desk
from worker.dispatch.items import Chore, Errand
from worker.dispatch.pool import SenderPool


def test_mails_that_wait_are_carried_although_their_connection_is_gone() -> None:
    """The broker gives them again only after a quarter of an hour; other tasks it must give again first."""
    desk: Desk[Any] = Desk(lanes=list(Lane), connections=2, senders=2)
    pool = SenderPool.__new__(SenderPool)
    nobody: Any = None
    pool._desk, pool._counter = desk, Counter(desk, nobody)  # noqa: SLF001 (without threads of its own)
    request: Any = None
    desk.put([Errand(request, Job("m", "default", {}), "way", "default"), Chore(lambda: None, "default")])
    pool.flush()

    turn = desk.take()
    assert turn is not None
    assert [type(item) for item in turn.items] == [Errand]
    assert sum(desk.state().waiting.values()) == 0
