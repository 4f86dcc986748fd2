"""Workers that are told to stop amid their work (rows W10 and W11)."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest

from tasks.contract.result import Delivery
from tasks.testing.actions import Pause, Silence
from tests.acceptance.oracle import examine

if TYPE_CHECKING:
    from tests.acceptance.post_office import PostOffice

#: What makes the first signal end a worker within a time that does not suffice for the mails in hand.
SOFT = {"arguments": ("--", "worker.soft_shutdown_timeout=1"), "REMAP_SIGTERM": "SIGQUIT"}


@pytest.mark.rounds(10)
@pytest.mark.smtpd(rcpt=Pause(0.5))
def test_w10_a_worker_that_is_told_to_stop_ends_the_mails_in_hand(office: PostOffice) -> None:
    """What no server has heard of yet goes back: to the queue, or to the journal where it was taken up."""
    office.enqueue(20)
    worker = office.open()
    office.wait_until(lambda: office.server.mails, "mails on their way")
    begun = office.server.count("MAIL")
    worker.process.terminate()
    code = worker.process.wait(timeout=65)
    ended = [mail_id for mail_id in office.accepted if office.is_over(mail_id)]

    assert code == 0
    assert begun <= len(ended) == len(office.server.mails) < 20
    assert office.in_hand() == []
    assert not office.redis.exists("unacked")
    assert list(office.logbooks.iterdir()) == []
    office.open()
    examine(office).hold()


@pytest.mark.rounds(10)
@pytest.mark.smtpd(rcpt=Silence())
def test_w10_a_server_that_says_nothing_does_not_keep_a_worker_longer_than_the_timeout(
    office: PostOffice,
) -> None:
    [mail_id] = office.enqueue(timeout=3000)
    worker = office.open()
    office.wait_until(lambda: office.server.count("RCPT"), "the recipient")
    began = time.monotonic()
    worker.process.terminate()

    assert worker.process.wait(timeout=30) == 0
    assert time.monotonic() - began <= 3 + 5
    assert office.mailer.poll(mail_id).code == 620


@pytest.mark.rounds(10)
@pytest.mark.smtpd(rcpt=Pause(0.5))
def test_w10_the_procfiles_grace_loses_and_doubles_nothing(office: PostOffice) -> None:
    office.enqueue(40)
    worker = office.open(supervised=True)
    office.wait_until(lambda: office.server.mails, "mails on their way")
    worker.process.terminate()

    assert worker.process.wait(timeout=10) == 0
    office.open(POSTROOM_CONCURRENCY="8")
    examine(office).hold(unknown=4)


@pytest.mark.rounds(10)
@pytest.mark.smtpd(
    rcpt={"canarylocal.0@example.org": (Pause(4.0),)},
    dot=(Pause(4.0),),
)
def test_w11_mails_that_a_soft_shutdown_cuts_off_are_sent_later_or_unknown(office: PostOffice) -> None:
    before, after = office.enqueue(2)
    worker = office.open(**SOFT)
    office.wait_until(lambda: set(office.states().values()) == {b"sending", b"data"}, "both in hand")
    office.wait_until(lambda: office.server.count("RCPT") == 2, "both at the server")
    worker.process.send_signal(signal.SIGTERM)
    worker.process.wait(timeout=20)
    office.open()
    findings = examine(office)

    findings.hold(unknown=1)
    assert findings.results[before].delivery is Delivery.SENT
    assert findings.results[after].delivery is Delivery.UNKNOWN
    assert findings.dots == {before: 1, after: 1, office.accepted[-1]: 1}
