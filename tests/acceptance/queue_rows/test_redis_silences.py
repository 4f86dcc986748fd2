"""Redis is there and does not answer, or answers late (rows R4, R5 and R6)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tasks.testing.actions import Pause
from tests import sizes
from tests.servers.proxy import Proxy

if TYPE_CHECKING:
    from tests.acceptance.queue_rows.conftest import OpenOffice

pytestmark = [pytest.mark.timeout(3600)]

SLOW = pytest.mark.smtpd(data=Pause(0.05))
SLOTS = 8


@SLOW
@pytest.mark.rounds(5)
@pytest.mark.parametrize("seconds", [5, 30, 120] if sizes.share() else [5])
def test_r4_a_redis_that_hangs_refuses_a_mail_and_takes_it_once_when_it_is_repeated(
    open_office: OpenOffice, seconds: int
) -> None:
    ill = open_office()
    ill.open()
    ill.amid(60)
    ill.redis.freeze()
    frozen = time.monotonic()

    assert ill.refuses(most=6.5, idempotency_key="the-same-mail", to="once@example.org")
    time.sleep(max(0.0, frozen + seconds - time.monotonic()))
    ill.redis.thaw()
    ill.resumes(time.monotonic())
    ids = [ill.office.enqueue(idempotency_key="the-same-mail", to="once@example.org") for _ in range(3)]
    assert len({mail_id for [mail_id] in ids}) == 1
    ill.office.accepted = list(dict.fromkeys(ill.office.accepted))
    ill.judge(unknown=SLOTS, seconds=60 + seconds)

    copies = [mail for mail in ill.office.server.dots if mail.recipients == ("once@example.org",)]
    assert len(copies) == 1


@SLOW
@pytest.mark.rounds(1)
def test_r5_connections_that_died_unnoticed_are_replaced_and_cost_no_mail(open_office: OpenOffice) -> None:
    """With the lease of production: shorter than a read timeout, a lease would end for nothing."""
    ill = open_office()
    with Proxy(ill.redis.port) as proxy:
        ill.open(POSTROOM_BROKER_URL=proxy.url, POSTROOM_LEASE="15")
        for _ in range(sizes.scaled(10)):
            ill.amid(150)
            proxy.fall_silent()
            proxy.recover()
            time.sleep(1.0)  # What had been answered before comes through to its end.
            ill.resumes(time.monotonic() - 1.0)
        ill.judge(unknown=sizes.scaled(10) * SLOTS, seconds=90)


@pytest.mark.rounds(1)
def test_r6_a_redis_that_is_far_away_and_answers_in_slices_costs_time_and_no_errors(
    open_office: OpenOffice,
) -> None:
    """Commands take 200 ms to and fro; in CI, where time is short, 60."""
    ill = open_office()
    with Proxy(ill.redis.port, latency=0.1 if sizes.share() else 0.03, slices=100) as proxy:
        ill.open(POSTROOM_BROKER_URL=proxy.url, POSTROOM_LEASE="15")
        ill.office.enqueue(sizes.scaled(200, once=10))
        findings = ill.judge(seconds=300)

    assert {result.code for result in findings.results.values()} == {250}
