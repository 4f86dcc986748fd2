"""Workers that are stopped for longer than their leases, and then go on (row W9)."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tasks.testing.actions import Pause
from tests.acceptance.oracle import examine

if TYPE_CHECKING:
    from tests.acceptance.post_office import PostOffice

pytestmark = pytest.mark.rounds(10)


@pytest.mark.smtpd(rcpt=Pause(1.0))
def test_w9_a_worker_that_is_frozen_before_the_dot_does_not_send_it_late(office: PostOffice) -> None:
    frozen = office.open()
    [mail_id] = office.enqueue()
    office.wait_until(lambda: office.server.count("RCPT"), "the recipient")
    frozen.signal(signal.SIGSTOP)
    office.open()
    office.wait_until(lambda: office.is_over(mail_id), "the other worker")
    frozen.signal(signal.SIGCONT)
    findings = examine(office)

    findings.hold()
    assert findings.results[mail_id].success


@pytest.mark.smtpd(dot=Pause(1.0))
def test_w9_a_worker_that_is_frozen_after_the_dot_does_not_contradict(office: PostOffice) -> None:
    frozen = office.open()
    [mail_id] = office.enqueue()
    office.wait_until(lambda: b"data" in office.states().values(), "the mark")
    frozen.signal(signal.SIGSTOP)
    office.open()
    office.wait_until(lambda: office.is_over(mail_id), "the other worker")
    frozen.signal(signal.SIGCONT)
    findings = examine(office)

    findings.hold(unknown=1)
    assert findings.results[mail_id].code == 690
