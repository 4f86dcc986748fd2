"""Mails that the tasks of an event loop enqueue at the same time leave together."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

from producers.errors import QueueUnavailable
from producers.gathering import Gathering, Way
from producers.measure import BATCH
from tasks.contract.names import Lane
from tasks.contract.validation import parse

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from producers.batches import Answer
    from tasks.contract.parameters import SendEmail

BULK, RESET = Way(Lane.BULK, None), Way(Lane.RESET, None)


class FakePost:
    """Notes what is handed in together; holds each run until it may go on, if it is told to."""

    def __init__(self) -> None:
        self.runs: list[tuple[Lane, list[str]]] = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.is_away = False

    def hand_in(self, requests: Sequence[SendEmail], *, lane: Lane, send_at: datetime | None) -> list[Answer]:
        assert self.may_go_on.wait(10)
        assert send_at is None
        self.runs.append((lane, [request.subject for request in requests]))
        if self.is_away:
            raise QueueUnavailable("away")
        return [f"id of {request.subject}" for request in requests]


def mail(number: int) -> SendEmail:
    return parse({"to": "ann@example.org", "subject": str(number), "body": "b"})


def gathering(post: FakePost) -> Gathering:
    fake: Any = post
    return Gathering(fake)


def test_a_lone_mail_leaves_at_once() -> None:
    post = FakePost()

    answer = asyncio.run(gathering(post).hand_in(mail(1), BULK))

    assert answer == "id of 1"
    assert post.runs == [(Lane.BULK, ["1"])]


def test_mails_of_one_moment_leave_together_and_each_gets_its_own_answer() -> None:
    post = FakePost()

    async def all_at_once() -> list[Answer]:
        together = gathering(post)
        return await asyncio.gather(*(together.hand_in(mail(n), BULK) for n in range(BATCH + 1)))

    answers = asyncio.run(all_at_once())

    assert list(answers) == [f"id of {n}" for n in range(BATCH + 1)]
    assert [len(subjects) for _, subjects in post.runs] == [BATCH, 1]


def test_mails_that_come_while_others_are_on_their_way_leave_next() -> None:
    post = FakePost()
    post.may_go_on.clear()

    async def one_then_two() -> None:
        together = gathering(post)
        first = asyncio.create_task(together.hand_in(mail(1), BULK))
        await asyncio.sleep(0.01)
        others = [asyncio.create_task(together.hand_in(mail(n), BULK)) for n in (2, 3)]
        await asyncio.sleep(0)
        post.may_go_on.set()
        await asyncio.gather(first, *others)

    asyncio.run(one_then_two())

    assert [subjects for _, subjects in post.runs] == [["1"], ["2", "3"]]


def test_lanes_are_kept_apart() -> None:
    post = FakePost()

    async def two_lanes() -> None:
        together = gathering(post)
        await asyncio.gather(*(together.hand_in(mail(n), way) for n, way in enumerate((BULK, RESET, BULK))))

    asyncio.run(two_lanes())

    assert post.runs == [(Lane.BULK, ["0", "2"]), (Lane.RESET, ["1"])]


def test_an_outage_is_told_to_everybody_and_to_nobody_for_ever() -> None:
    post = FakePost()

    async def twice() -> tuple[list[Any], Answer]:
        together = gathering(post)
        post.is_away = True
        lost = await asyncio.gather(
            *(together.hand_in(mail(n), BULK) for n in range(3)), return_exceptions=True
        )
        post.is_away = False
        return lost, await together.hand_in(mail(3), BULK)

    lost, found = asyncio.run(twice())

    assert [type(error) for error in lost] == [QueueUnavailable] * 3
    assert found == "id of 3"


def test_a_mail_that_nobody_waits_for_any_more_is_not_sent() -> None:
    post = FakePost()

    async def given_up() -> None:
        together = gathering(post)
        tasks = [asyncio.create_task(together.hand_in(mail(n), BULK)) for n in range(2)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]
        await tasks[1]

    asyncio.run(given_up())

    assert post.runs == [(Lane.BULK, ["1"])]
