"""How a result is waited for whose gateway holds its answers back, on a clock of the test's."""

from __future__ import annotations

import pytest

from producers.errors import WaitTimeout
from producers.over_http.holding import Look, holding
from tasks.contract.result import Delivery, SendEmailResult
from tasks.contract.status import MailState, MailStatus

QUEUED = MailStatus(mail_id="m", state=MailState.QUEUED)
RESULT = SendEmailResult(
    success=True, code=250, message="ok", delivery=Delivery.SENT, retryable=False, source="server"
)
SENT = MailStatus(mail_id="m", state=MailState.SENT, code=250, message="ok", result=RESULT)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_result_ends_it(clock: Clock) -> None:
    looks = holding(30.0, clock=clock)
    next(looks)
    with pytest.raises(StopIteration) as done:
        looks.send(SENT)

    assert done.value.value == RESULT


def test_answers_are_held_back_for_twenty_seconds_and_no_longer_than_is_left(clock: Clock) -> None:
    looks = holding(30.0, clock=clock)
    found = [next(looks)]
    clock.now = 20.0
    found.append(looks.send(QUEUED))
    clock.now = 30.0
    with pytest.raises(WaitTimeout) as over:
        looks.send(QUEUED)

    assert found == [Look(0.0, 20.0), Look(0.0, 10.0)]
    assert over.value.status == QUEUED


def test_a_gateway_that_holds_nothing_back_is_not_asked_without_a_pause(clock: Clock) -> None:
    looks = holding(30.0, clock=clock)
    next(looks)
    clock.now = 0.1

    assert looks.send(QUEUED).pause == 0.5


def test_without_time_there_is_one_look(clock: Clock) -> None:
    looks = holding(0.0, clock=clock)
    found = next(looks)
    with pytest.raises(WaitTimeout):
        looks.send(QUEUED)

    assert found == Look(0.0, 0.0)
