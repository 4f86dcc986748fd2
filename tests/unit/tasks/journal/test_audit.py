"""Who asked for which reset, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from tasks.contract.result import Delivery, SendEmailResult
from tasks.journal.audit import Asked, Audit
from tasks.journal.sealing import Seal, generate_key

if TYPE_CHECKING:
    from redis import Redis

BY_BEN = Asked("m1", "specified", "ann", actor="ben", reason="locked out", ticket="T-1")
BY_EVE = Asked("m2", "specified", "ann", actor="eve", ticket="T-2")
PUBLIC = Asked("m3", "requester", "canary@example.org")
SENT = SendEmailResult(
    success=True,
    code=250,
    message="2.0.0 Ok",
    delivery=Delivery.SENT,
    retryable=False,
    source="server",
    message_id="<m1@x>",
)


@pytest.fixture(params=[False, True], ids=["plain", "sealed"])
def audit(request: pytest.FixtureRequest, redis: Redis) -> Audit:
    seal = Seal([SecretStr(generate_key())]) if request.param else None
    made = Audit(redis, seal=seal)
    for asked in (BY_BEN, BY_EVE, PUBLIC):
        made.note(asked)
    return made


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["m3", "m2", "m1"]),
        ({"target": "ann"}, ["m2", "m1"]),
        ({"actor": "ben"}, ["m1"]),
        ({"ticket": "T-2"}, ["m2"]),
        ({"target": "ann", "actor": "eve"}, ["m2"]),
        ({"actor": "ann"}, []),
        ({"most": 2}, ["m3", "m2"]),
    ],
    ids=str,
)
def test_records_are_found_newest_first(query: dict[str, Any], expected: list[str], audit: Audit) -> None:
    assert [record.asked.mail_id for record in audit.find(**query)] == expected


def test_a_record_is_what_was_asked(audit: Audit) -> None:
    [record] = audit.find(actor="ben")

    assert record.asked == BY_BEN
    assert (record.code, record.message, record.message_id) == (None, None, None)


def test_how_it_ended_is_written_down_with_it(audit: Audit) -> None:
    audit.conclude("m1", SENT)
    [record] = audit.find(actor="ben")

    assert (record.code, record.message, record.message_id) == (250, "2.0.0 Ok", "<m1@x>")


def test_the_journal_knows_before_the_record_does(audit: Audit, redis: Redis) -> None:
    redis.hset("postroom:mail:m1", "result", SENT.model_dump_json())

    assert audit.find(actor="ben")[0].code == 250


def test_the_end_of_a_mail_that_is_no_reset_leaves_no_record(audit: Audit, redis: Redis) -> None:
    audit.conclude("m9", SENT)

    assert not redis.exists("postroom:audit:m9")


def test_a_request_that_is_repeated_stays_as_it_was(audit: Audit) -> None:
    audit.note(Asked("m1", "specified", "ann", actor="mallory"))

    assert [record.asked.actor for record in audit.find(target="ann")] == ["eve", "ben"]
    assert audit.find(actor="mallory") == []


def test_what_was_struck_is_not_found(audit: Audit) -> None:
    audit.strike("m1")

    assert [record.asked.mail_id for record in audit.find(target="ann")] == ["m2"]


def test_nobody_who_reads_redis_learns_who_was_asked_for_where_there_is_a_key(redis: Any) -> None:
    audit = Audit(redis, seal=Seal([SecretStr(generate_key())]))
    audit.note(PUBLIC)
    everything = b" ".join(
        key + (b" ".join(redis.hgetall(key).values()) if redis.type(key) == b"hash" else b"")
        for key in redis.scan_iter()
    )

    assert b"canary" not in everything


def test_records_and_what_finds_them_are_forgotten_in_time(redis: Any) -> None:
    Audit(redis, retention=60.0).note(BY_BEN)

    assert all(0 < redis.ttl(key) <= 60 for key in redis.scan_iter())


def test_records_under_a_lost_key_are_left_out(redis: Redis) -> None:
    Audit(redis, seal=Seal([SecretStr(generate_key())])).note(BY_BEN)

    assert Audit(redis, seal=Seal([SecretStr(generate_key())])).find() == []
    assert "ben" not in repr(BY_BEN)
