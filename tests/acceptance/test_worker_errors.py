"""Errors that are no ordinary ones, in the midst of a worker's work (rows W12 and W14)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tasks.contract.result import Delivery
from tests.acceptance.oracle import examine

if TYPE_CHECKING:
    from tests.acceptance.post_office import PostOffice

pytestmark = pytest.mark.rounds(5)


def test_w14_errors_that_end_programs_fail_the_mails_that_are_being_composed(office: PostOffice) -> None:
    worker = office.open(fault="error while composing", fuses=3)
    processes = office.processes_of(worker)
    office.enqueue(12)
    office.wait_until(office.is_idle, "the mails")

    assert office.processes_of(worker) == processes
    findings = examine(office)
    findings.hold()
    assert [findings.results[mail_id].code for mail_id in findings.of(Delivery.NOT_SENT)] == [699] * 3


def test_w14_errors_that_end_programs_fail_the_mails_that_are_being_sent(office: PostOffice) -> None:
    worker = office.open(fault="error while sending", fuses=1000)
    processes = office.processes_of(worker)
    failed = office.enqueue(6, timeout=1500)
    office.wait_until(office.is_idle, "the mails")
    office.take_fuses_away()
    office.enqueue(12)
    office.wait_until(office.is_idle, "the mails after them")

    assert office.processes_of(worker) == processes
    findings = examine(office)
    findings.hold()
    assert findings.of(Delivery.NOT_SENT) == failed
    assert {findings.results[mail_id].code for mail_id in failed} == {699}


def test_w12_a_mail_for_which_memory_is_too_short_fails_alone(office: PostOffice) -> None:
    worker = office.open(fault="short of memory", POSTROOM_MAX_MESSAGE_BYTES=str(40 * 1024 * 1024))
    processes = office.processes_of(worker)
    stored = office.mailer.store_bytes(os.urandom(20 * 1024 * 1024), name="large.bin")
    [large] = office.enqueue(attachments=[stored])
    office.enqueue(8)
    office.wait_until(office.is_idle, "the mails")

    assert office.processes_of(worker) == processes
    findings = examine(office)
    findings.hold()
    assert findings.of(Delivery.NOT_SENT) == [large]
    assert findings.results[large].code == 699
