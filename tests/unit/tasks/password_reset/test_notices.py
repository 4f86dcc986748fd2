"""Telling somebody of the staff that a reset they asked for was not sent: whom, once, without a link."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import fakeredis
import pytest
from pydantic import SecretStr

from tasks.contract.result import Delivery, SendEmailResult
from tasks.journal.audit import Asked, Audit
from tasks.journal.sealing import Seal, generate_key
from tasks.journal.untold import Untold
from tasks.password_reset.notices import Notices, Staff

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redis import Redis

STAFF = Staff("example.org")


def result(delivery: Delivery = Delivery.NOT_SENT) -> SendEmailResult:
    is_sent = delivery is Delivery.SENT
    return SendEmailResult(
        success=is_sent,
        code=250 if is_sent else 550,
        message="5.1.1 no such mailbox",
        delivery=delivery,
        retryable=False,
        source="server",
        finished_at=datetime(2030, 1, 31, tzinfo=UTC),
    )


@pytest.fixture
def redis() -> Iterator[Redis]:
    client = fakeredis.FakeRedis()
    yield client
    client.close()


@pytest.fixture(params=[None, generate_key()], ids=["plain", "sealed"])
def seal(request: pytest.FixtureRequest) -> Seal | None:
    return Seal([SecretStr(request.param)]) if request.param else None


def fail(redis: Redis, seal: Seal | None = None, **asked: Any) -> str:
    """Write down a reset that ended as *delivery* says, and return its id."""
    delivery = asked.pop("delivery", Delivery.NOT_SENT)
    mail_id = str(uuid.uuid4())
    given = {"workflow": "specified", "target": "ann", "actor": "ben", "ticket": "T-1", **asked}
    audit = Audit(redis, seal=seal)
    audit.note(Asked(mail_id, **given))
    audit.conclude(mail_id, result(delivery))
    return mail_id


def handed_in(redis: Redis) -> list[dict[str, bytes]]:
    return [
        {name.decode(): value for name, value in redis.hgetall(key).items()}
        for key in redis.keys("postroom:mail:*")
    ]


@pytest.mark.parametrize("delivery", [Delivery.NOT_SENT, Delivery.UNKNOWN, Delivery.PARTIAL])
def test_the_actor_of_a_reset_that_failed_gets_a_notice_which_names_it(
    delivery: Delivery, redis: Redis, seal: Seal | None
) -> None:
    mail_id = fail(redis, seal, delivery=delivery)

    assert Notices(redis, STAFF, seal=seal).tell() == 1
    [mail] = handed_in(redis)
    assert mail["lane"] == b"default"
    if seal is None:
        asked = json.loads(mail["payload"])["password_reset"]
        assert asked == {"workflow": "failed", "user": "ben", "about": mail_id}


def test_a_notice_is_handed_in_once_whoever_looks_how_often(redis: Redis) -> None:
    mail_id = fail(redis)
    first, second = Notices(redis, STAFF), Notices(redis, STAFF)

    assert first.tell() == 1
    assert second.tell() == 0
    Untold(redis).add(mail_id)  # as if the first had died before it forgot the reset
    second.tell()
    assert len(handed_in(redis)) == 1


@pytest.mark.parametrize(
    "asked",
    [
        {"delivery": Delivery.SENT},
        {"workflow": "requester", "actor": None, "target": "ann@example.org"},
        {"workflow": "batch"},
        {"workflow": "failed", "actor": None, "target": "ben"},
        {"workflow": "completed", "actor": None},
        {"actor": "ben@elsewhere.org"},
    ],
    ids=["sent", "public", "batch", "notice", "completed", "other domain"],
)
def test_nobody_is_told_where_there_is_nobody_to_tell(asked: dict[str, Any], redis: Redis) -> None:
    fail(redis, **asked)

    assert Notices(redis, STAFF).tell() == 0
    assert handed_in(redis) == []
    assert Untold(redis).oldest(9) == []


def test_an_actor_with_many_failures_is_told_of_some(redis: Redis) -> None:
    for _ in range(25):
        fail(redis)
    fail(redis, actor="eve")

    assert Notices(redis, STAFF).tell() == 21


def test_a_notice_is_on_record_and_found_by_the_ticket(redis: Redis, seal: Seal | None) -> None:
    mail_id = fail(redis, seal)
    Notices(redis, STAFF, seal=seal).tell()
    notice, asked = Audit(redis, seal=seal).find(ticket="T-1")

    assert (notice.asked.workflow, notice.asked.target, notice.asked.reason) == ("failed", "ben", mail_id)
    assert asked.asked.mail_id == mail_id


def test_what_cannot_be_opened_is_forgotten(redis: Redis) -> None:
    fail(redis, Seal([SecretStr(generate_key())]))

    assert Notices(redis, STAFF, seal=Seal([SecretStr(generate_key())])).tell() == 0
    assert Untold(redis).oldest(9) == []


@pytest.mark.parametrize(
    ("actor", "address"),
    [
        ("ben", "ben@example.org"),
        ("ben@Example.ORG", "ben@example.org"),
        ("ben@example.org.evil.org", None),
        ("ben@evil.org", None),
    ],
)
def test_actors_have_their_mailboxes_in_one_domain(actor: str, address: str | None) -> None:
    assert STAFF.address_of(actor) == address
    assert Staff("").address_of(actor) is None


def test_failures_that_nobody_looks_at_do_not_pile_up(redis: Redis) -> None:
    untold = Untold(redis)
    redis.zadd("postroom:untold", {str(number): number for number in range(10_050)})
    untold.add("last")

    assert redis.zcard("postroom:untold") == 10_000
    assert redis.ttl("postroom:untold") > 0
