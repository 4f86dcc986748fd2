"""Mails that the tasks of an event loop enqueue at the same time leave together."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

from producers.errors import QueueUnavailable
from producers.gathering import Gathering, Way
from producers.publishing import BATCH
from tasks.contract.names import Lane
from tasks.contract.validation import parse
from tasks.journal.records import Acceptance, Accepted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tasks.contract.parameters import SendEmail

BULK, RESET = Way(Lane.BULK, None), Way(Lane.RESET, None)


class FakeOutbox:
    """Notes what is handed in together; holds each run until it may go on, if it is told to."""

    def __init__(self) -> None:
        self.runs: list[tuple[Lane, list[str]]] = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.is_away = False

    def hand_in(
        self, requests: Sequence[SendEmail], *, lane: Lane, send_at: datetime | None
    ) -> list[Accepted]:
        assert self.may_go_on.wait(10)
        assert send_at is None
        self.runs.append((lane, [request.subject for request in requests]))
        if self.is_away:
            raise QueueUnavailable("away")
        return [Accepted(Acceptance.ACCEPTED, f"id of {request.subject}") for request in requests]


def mail(number: int) -> SendEmail:
    return parse({"to": "ann@example.org", "subject": str(number), "body": "b"})


def gathering(outbox: FakeOutbox) -> Gathering:
    fake: Any = outbox
    return Gathering(fake)


def test_a_lone_mail_leaves_at_once() -> None:
    outbox = FakeOutbox()

    answer = asyncio.run(gathering(outbox).hand_in(mail(1), BULK))

    assert answer.mail_id == "id of 1"
    assert outbox.runs == [(Lane.BULK, ["1"])]


def test_mails_of_one_moment_leave_together_and_each_gets_its_own_answer() -> None:
    outbox = FakeOutbox()

    async def all_at_once() -> list[Accepted]:
        together = gathering(outbox)
        return await asyncio.gather(*(together.hand_in(mail(n), BULK) for n in range(BATCH + 1)))

    answers = asyncio.run(all_at_once())

    assert [answer.mail_id for answer in answers] == [f"id of {n}" for n in range(BATCH + 1)]
    assert [len(subjects) for _, subjects in outbox.runs] == [BATCH, 1]


def test_mails_that_come_while_others_are_on_their_way_leave_next() -> None:
    outbox = FakeOutbox()
    outbox.may_go_on.clear()

    async def one_then_two() -> None:
        together = gathering(outbox)
        first = asyncio.create_task(together.hand_in(mail(1), BULK))
        await asyncio.sleep(0.01)
        others = [asyncio.create_task(together.hand_in(mail(n), BULK)) for n in (2, 3)]
        await asyncio.sleep(0)
        outbox.may_go_on.set()
        await asyncio.gather(first, *others)

    asyncio.run(one_then_two())

    assert [subjects for _, subjects in outbox.runs] == [["1"], ["2", "3"]]


def test_lanes_are_kept_apart() -> None:
    outbox = FakeOutbox()

    async def two_lanes() -> None:
        together = gathering(outbox)
        await asyncio.gather(*(together.hand_in(mail(n), way) for n, way in enumerate((BULK, RESET, BULK))))

    asyncio.run(two_lanes())

    assert outbox.runs == [(Lane.BULK, ["0", "2"]), (Lane.RESET, ["1"])]


def test_an_outage_is_told_to_everybody_and_to_nobody_for_ever() -> None:
    outbox = FakeOutbox()

    async def twice() -> tuple[list[Any], Accepted]:
        together = gathering(outbox)
        outbox.is_away = True
        lost = await asyncio.gather(
            *(together.hand_in(mail(n), BULK) for n in range(3)), return_exceptions=True
        )
        outbox.is_away = False
        return lost, await together.hand_in(mail(3), BULK)

    lost, found = asyncio.run(twice())

    assert [type(error) for error in lost] == [QueueUnavailable] * 3
    assert found.mail_id == "id of 3"


def test_a_mail_that_nobody_waits_for_any_more_is_not_sent() -> None:
    outbox = FakeOutbox()

    async def given_up() -> None:
        together = gathering(outbox)
        tasks = [asyncio.create_task(together.hand_in(mail(n), BULK)) for n in range(2)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]
        await tasks[1]

    asyncio.run(given_up())

    assert outbox.runs == [(Lane.BULK, ["1"])]
