"""Workers that are killed between two exact steps, at each mail (rows W2 to W6)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tasks.contract.result import Delivery
from tests import sizes
from tests.acceptance.oracle import examine

if TYPE_CHECKING:
    from tests.acceptance.oracle import Findings
    from tests.acceptance.post_office import PostOffice, Worker

pytestmark = [pytest.mark.rounds(1), pytest.mark.timeout(900)]


#: As after the death of the whole machine: nothing of what the worker noted there is left.
NO_LOGBOOKS = {"POSTROOM_LOGBOOKS": "off"}


def each_alone(office: PostOffice, fault: str, count: int, **settings: str) -> Findings:
    """Send *count* mails, each alone, with a worker that dies at each of them, once."""
    worker = office.open(fault=fault, fuses=0, **settings)
    for number in range(1, count + 1):
        office.lay_fuse(fault)
        [mail_id] = office.enqueue()
        last_moment = time.monotonic() + 60
        while not office.is_over(mail_id) or office.fuses_left():
            assert time.monotonic() < last_moment, office.last_words()
            worker = office.reopen(worker, fault=fault, **settings)
            time.sleep(0.02)
        worker = replaced(office, worker, number, fault=fault, **settings)
    return examine(office)


def replaced(office: PostOffice, worker: Worker, deaths: int, **options: str) -> Worker:
    """Return a worker that lives, also where a death has come about and is not seen yet."""
    if not worker.pool and len(office.workers) <= deaths:
        worker.process.wait(timeout=20)
    return office.reopen(worker, **options)


def test_w2_killed_between_the_servers_answer_and_the_journal_is_unknown(office: PostOffice) -> None:
    count = sizes.scaled(20)
    findings = each_alone(office, "answered", count, **NO_LOGBOOKS)

    findings.hold(unknown=count)
    assert len(findings.of(Delivery.UNKNOWN)) == count
    assert set(findings.dots.values()) == {1}


def test_w2_killed_behind_the_servers_answer_is_what_the_logbook_says(office: PostOffice) -> None:
    findings = each_alone(office, "answered", sizes.scaled(20))

    findings.hold()
    assert set(findings.dots.values()) == {1}
    assert {result.code for result in findings.results.values()} == {250}


def test_w3_killed_between_the_journal_and_celerys_result_is_sent(office: PostOffice) -> None:
    findings = each_alone(office, "finished", sizes.scaled(20))

    findings.hold()
    assert {result.code for result in findings.results.values()} == {250}


def test_w4_killed_between_mark_and_dot_is_unknown(office: PostOffice) -> None:
    count = sizes.scaled(20)
    findings = each_alone(office, "marked", count, **NO_LOGBOOKS)

    findings.hold(unknown=count)
    unknown = findings.of(Delivery.UNKNOWN)
    assert len(unknown) == count
    assert [findings.dots[mail_id] for mail_id in unknown] == [0] * count


def test_w4_killed_between_mark_and_dot_is_sent_where_the_logbook_has_no_dot(office: PostOffice) -> None:
    findings = each_alone(office, "marked", sizes.scaled(20))

    findings.hold()
    assert set(findings.dots.values()) == {1}
    assert {result.code for result in findings.results.values()} == {250}


def test_w4_killed_at_the_dot_is_unknown_whether_it_went_out_or_not(office: PostOffice) -> None:
    count = sizes.scaled(20)
    findings = each_alone(office, "dot noted", count)

    findings.hold(unknown=count)
    assert len(findings.of(Delivery.UNKNOWN)) == count


@pytest.mark.parametrize("step", ["begun", "unmarked"])
def test_w5_killed_before_the_mark_is_sent_by_the_next_worker(office: PostOffice, step: str) -> None:
    findings = each_alone(office, step, sizes.scaled(20))

    findings.hold()
    for result in findings.results.values():
        assert result.code == 250
        assert result.finished_at
        assert result.enqueued_at
        assert (result.finished_at - result.enqueued_at).total_seconds() <= 60 + 20


def test_w6_killed_between_taking_a_message_and_noting_it_loses_nothing(office: PostOffice) -> None:
    findings = each_alone(office, "fetched", sizes.scaled(20))

    findings.hold()
    assert {result.code for result in findings.results.values()} == {250}
