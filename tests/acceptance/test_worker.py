"""The worker as the Procfile starts it: its lanes, and messages that the broker lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.acceptance.oracle import examine

if TYPE_CHECKING:
    from tests.acceptance.post_office import PostOffice


def test_a_reset_does_not_wait_behind_bulk_mail(office: PostOffice) -> None:
    office.enqueue(20, lane="bulk")
    [reset] = office.enqueue(lane="reset")
    office.open(POSTROOM_CONCURRENCY="1")
    office.mailer.wait(reset, timeout=30)
    findings = examine(office)

    findings.hold()
    assert findings.order[0] == reset


def test_a_mail_whose_message_the_broker_lost_is_sent_all_the_same(office: PostOffice) -> None:
    [mail_id] = office.enqueue()
    lost = office.redis.delete("default")
    office.open()
    findings = examine(office)

    assert lost == 1
    findings.hold()
    assert findings.results[mail_id].success
