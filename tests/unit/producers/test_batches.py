"""Many mails at once, without a queue."""

from __future__ import annotations

import pickle
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from producers import measure
from producers.batches import Batch, HandedIn, hand_in_all, hand_in_each
from producers.errors import (
    BatchInterrupted,
    GatewayError,
    IdempotencyConflict,
    KeyRejected,
    PostroomError,
    QueueUnavailable,
    RateLimited,
)
from producers.measure import BATCH
from tasks.contract.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from producers.batches import Answer
    from tasks.contract.parameters import SendEmail


def mail(number: int, **more: object) -> dict[str, object]:
    return {"to": "ann@example.org", "subject": f"{number}", "body": "b", **more}


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let parts end by their size alone, so that a busy machine does not make them smaller."""
    monkeypatch.setattr(measure, "LONGEST", 60.0)


class Queue:
    """Takes mails, and goes away after *parts* of them; a key that it knows is a conflict."""

    def __init__(self, parts: int = 1000) -> None:
        self.parts: list[int] = []
        self._left = parts
        self.failure: PostroomError = QueueUnavailable("away")

    def prepare(self, requests: Sequence[SendEmail]) -> list[str | None]:
        return [request.idempotency_key for request in requests]

    def hand_in(self, keys: Sequence[str | None]) -> list[Answer]:
        if len(self.parts) == self._left:
            raise self.failure
        self.parts.append(len(keys))
        return [IdempotencyConflict("first") if key else str(uuid.uuid4()) for key in keys]

    def each(self, messages: Iterable[Mapping[str, object]]) -> Iterator[HandedIn]:
        return hand_in_each(messages, prepare=self.prepare, deliver=self.hand_in)


def test_outcomes_come_in_order_and_the_refused_do_not_stop_the_others() -> None:
    found = list(Queue().each([mail(0), {}, mail(2), mail(3, idempotency_key="k"), mail(4, to="nobody")]))

    assert [outcome.index for outcome in found] == [0, 1, 2, 3, 4]
    assert [outcome.mail_id is not None for outcome in found] == [True, False, True, False, False]
    kinds = [type(outcome.error) for outcome in found if outcome.error]
    assert kinds == [InvalidInput, IdempotencyConflict, InvalidInput]


def test_a_part_of_which_nothing_is_right_is_not_sent_and_those_behind_it_are() -> None:
    queue = Queue()

    found = list(queue.each([{}] * BATCH + [mail(0)]))

    assert queue.parts == [1]
    assert [outcome.mail_id is not None for outcome in found] == [False] * BATCH + [True]


def test_many_share_a_round_trip_and_none_is_left_over() -> None:
    queue = Queue()

    found = list(queue.each(mail(i) for i in range(2 * BATCH + 1)))

    assert queue.parts == [BATCH, BATCH, 1]
    assert len({outcome.mail_id for outcome in found}) == 2 * BATCH + 1


def test_no_more_than_a_few_parts_are_taken_from_a_generator_before_their_outcomes_are_asked_for() -> None:
    taken = 0

    def endless() -> Iterator[dict[str, object]]:
        nonlocal taken
        while True:
            taken += 1
            yield mail(taken)

    outcomes = Queue().each(endless())
    for _ in range(3 * BATCH):
        next(outcomes)

    assert taken <= 5 * BATCH


def test_large_mails_leave_in_smaller_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "LARGEST", 100)
    queue = Queue()
    list(queue.each(mail(i, body="x" * 60) for i in range(4)))

    assert queue.parts == [2, 2]


def test_a_slow_source_does_not_hold_up_what_it_gave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "LONGEST", 0.0)
    queue = Queue()
    list(queue.each(mail(i) for i in range(3)))

    assert queue.parts == [1, 1, 1]


def test_what_a_source_gave_before_it_broke_is_handed_in() -> None:
    def breaking() -> Iterator[dict[str, object]]:
        yield mail(0)
        raise LookupError("the table is gone")

    queue, found = Queue(), []
    with pytest.raises(LookupError, match="the table is gone"):
        found.extend(queue.each(breaking()))

    assert queue.parts == [1]
    assert [outcome.index for outcome in found] == [0]


def test_a_row_that_its_source_could_not_make_a_mail_of_is_refused_like_any_other() -> None:
    broken = InvalidInput(())
    batch = hand_in_all(Queue().each([mail(0), broken, mail(2)]))

    assert [(refusal.index, refusal.error) for refusal in batch.refused] == [(1, broken)]
    assert batch.ids[2] is not None


def test_all_outcomes_together_say_what_was_refused_and_where() -> None:
    batch = hand_in_all(Queue().each([{}, mail(1), {}]))

    assert [refusal.index for refusal in batch.refused] == [0, 2]
    assert [mail_id is None for mail_id in batch.ids] == [True, False, True]
    assert hand_in_all([]) == Batch((), ())


def test_progress_is_told_now_and_then_and_at_the_end() -> None:
    told: list[Any] = []
    messages = [{}, *(mail(i) for i in range(BATCH))]
    hand_in_all(Queue().each(messages), on_progress=lambda *numbers: told.append(numbers))

    assert told == [(BATCH, 1), (BATCH + 1, 1)]


def test_an_outage_amid_many_says_what_was_handed_in_before() -> None:
    with pytest.raises(BatchInterrupted) as caught:
        hand_in_all(Queue(parts=1).each([{}, *(mail(i) for i in range(2 * BATCH))]))

    batch = caught.value.batch
    assert len(batch.ids) == BATCH
    assert [refusal.index for refusal in batch.refused] == [0]
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 (our own bytes)
    assert (str(again), len(again.batch.ids)) == ("away", BATCH)


@pytest.mark.parametrize("error", [KeyRejected(), GatewayError("a page"), RateLimited(9.0)], ids=repr)
def test_whatever_else_ends_many_says_what_was_handed_in_before(error: PostroomError) -> None:
    queue = Queue(parts=1)
    queue.failure = error
    with pytest.raises(BatchInterrupted) as caught:
        hand_in_all(queue.each(mail(i) for i in range(2 * BATCH)))

    assert (len(caught.value.batch.ids), str(caught.value)) == (BATCH, str(error))
    assert caught.value.__cause__ is error


def test_an_outage_from_the_beginning_is_no_interruption() -> None:
    with pytest.raises(QueueUnavailable) as caught:
        hand_in_all(Queue(parts=0).each([mail(0)]))

    assert type(caught.value) is QueueUnavailable
