from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tasks.contract.codes import Phase
from tasks.deadline import Deadline
from tasks.failures import PermanentFailure, Reply, TransientFailure
from tasks.smtp.gate import LoginGate

if TYPE_CHECKING:
    from tasks.smtp.route import Route
    from tests.unit.tasks.smtp.conftest import Clock

REFUSED = Reply(535, "no", "5.7.8")


def refuse(gate: LoginGate, route: Route, reply: Reply = REFUSED) -> None:
    with pytest.raises(PermanentFailure), gate.turn(route, Deadline.after(1)):
        raise PermanentFailure(reply, Phase.AUTH)


def test_a_refused_login_pauses_the_route_and_tells_the_rest_of_it(route: Route, clock: Clock) -> None:
    gate = LoginGate(60.0, clock)
    refuse(gate, route)
    clock.now += 20

    with pytest.raises(TransientFailure) as paused:
        gate.check(route)

    assert (paused.value.reply, paused.value.retry_after) == (REFUSED, 40.0)


def test_the_pause_ends(route: Route, clock: Clock) -> None:
    gate = LoginGate(60.0, clock)
    refuse(gate, route)
    clock.now += 60

    gate.check(route)


def test_other_refusals_pause_nothing(route: Route, clock: Clock) -> None:
    gate = LoginGate(60.0, clock)
    refuse(gate, route, Reply(550, "basic authentication is off"))

    gate.check(route)


def test_a_login_waits_for_another_only_within_its_time(route: Route) -> None:
    gate = LoginGate()
    with (
        gate.turn(route, Deadline.after(1)),
        pytest.raises(TransientFailure),
        gate.turn(route, Deadline.after(0.01)),
    ):
        pytest.fail("two logins at once")


def test_once_a_login_was_accepted_others_need_not_wait(route: Route) -> None:
    gate = LoginGate()
    with gate.turn(route, Deadline.after(1)):
        pass

    with gate.turn(route, Deadline.after(1)), gate.turn(route, Deadline.after(0.01)):
        pass
