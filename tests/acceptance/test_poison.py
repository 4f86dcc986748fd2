"""Mails and messages that harm: one that kills its worker (W8), spoilt messages, and sealed ones (P7)."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tasks.contract.names import TASK_NAME
from tasks.journal.keys import OPEN
from tasks.journal.quarantine import Quarantine
from tasks.journal.sealing import SEALED, generate_key, seal_with
from tasks.journal.sealing_keys import as_keys
from tests.acceptance.oracle import examine
from tests.damages import DAMAGES

if TYPE_CHECKING:
    from tests.acceptance.post_office import PostOffice

pytestmark = [pytest.mark.rounds(5), pytest.mark.timeout(180)]

#: Far more often than it may be tried.
FUSES = 12


def test_w8_a_mail_that_kills_its_worker_is_given_up_and_the_others_go_on(office: PostOffice) -> None:
    office.open(fault="killed by a mail", fuses=FUSES, supervised=True)
    others = office.enqueue(25)
    [killer] = office.enqueue(metadata={"kills": "yes"})
    others += office.enqueue(25)
    # Three times a lease, a supervisor's pause and a worker's start, which a busy machine makes long.
    office.wait_until(lambda: office.is_over(killer), "the killer to be given up", seconds=110)
    findings = examine(office)

    assert FUSES - office.fuses_left() <= 3
    assert findings.results[killer].code == 630
    sent = [mail_id for mail_id in others if findings.results[mail_id].success]
    doubtful = [mail_id for mail_id in others if findings.results[mail_id].code == 690]
    assert len(sent) + len(doubtful) == len(others) == 50
    findings.hold(unknown=len(doubtful))


def test_a_mail_whose_message_was_spoilt_is_sent_from_the_journal(office: PostOffice) -> None:
    ids = office.enqueue(3)
    for _ in ids:
        spoilt = json.loads(office.redis.rpop("default")) | {"body": 7}
        office.redis.lpush("default", json.dumps(spoilt))
    office.open()
    office.wait_until(office.is_idle, "the mails")
    kept = Quarantine(office.redis).entries()
    findings = examine(office)

    assert {result.code for result in findings.results.values()} == {250}
    assert {entry.facts.mail_id for entry in kept} == set(ids)
    findings.hold()


def token(key: str, mail_id: str) -> str:
    seal = seal_with(as_keys([key]))
    assert seal
    return seal.seal(mail_id, json.dumps({"to": "ann@example.org", "subject": "s", "body": "b"}))


def test_p7_sealed_parameters_that_cannot_be_opened_are_a_result(office: PostOffice) -> None:
    ids = [str(uuid.uuid4()) for _ in range(4)]
    good = token(office.key, ids[0])
    tokens = {
        ids[0]: good[:40] + ("A" if good[40] != "A" else "B") + good[41:],
        ids[1]: token(generate_key(), ids[1]),
        ids[2]: token(office.key, ids[0]),
        ids[3]: token(office.key, ids[3]),
    }
    office.open()
    with office.app() as app:
        results: dict[str, Any] = {
            mail_id: app.send_task(TASK_NAME, kwargs={SEALED: text}, task_id=mail_id, queue="default")
            for mail_id, text in tokens.items()
        }
        found = {mail_id: result.get(timeout=20) for mail_id, result in results.items()}

    assert [found[mail_id]["code"] for mail_id in ids] == [600, 600, 600, 250]
    for mail_id in ids[:3]:
        assert found[mail_id]["message"].startswith("the sealed parameters cannot be opened")
    assert Quarantine(office.redis).entries() == []
    assert not office.redis.exists(OPEN)


def test_a_record_that_somebody_wrote_into_is_told_and_no_other_mail_suffers(office: PostOffice) -> None:
    ids = office.enqueue(4 * len(DAMAGES))
    damaged = ids[1::4]
    for mail_id, damage in zip(damaged, DAMAGES.values(), strict=True):
        damage(office.redis, mail_id)
    worker = office.open()

    def told(what: str) -> set[str]:
        lines = [line for line in worker.log.read_text().splitlines() if what in line]
        return {mail_id for mail_id in ids if any(mail_id in line for line in lines)}

    office.wait_until(lambda: told("mail given up: the journal's record is") == set(damaged), "what is told")
    office.wait_until(lambda: all(office.is_over(mail_id) for mail_id in ids), "the mails")
    codes = {mail_id: office.mailer.poll(mail_id).code for mail_id in ids}
    office.redis.zadd(OPEN, dict.fromkeys(damaged, 0))
    office.wait_until(
        lambda: told("cannot publish again: the journal's record is") == set(damaged), "the sweeper to tell"
    )

    assert codes == {mail_id: 690 if mail_id in damaged else 250 for mail_id in ids}
