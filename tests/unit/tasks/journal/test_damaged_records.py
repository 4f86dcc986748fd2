"""A record that somebody wrote into by hand costs no other mail anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tasks.contract.status import MailState
from tasks.journal.damage import damaged as result_of_damage
from tasks.journal.records import Claim, Hindrance, Record, Refusal
from tasks.journal.settlement import Settlement
from tests.damages import DAMAGES
from tests.unit.tasks.journal.samples import SENT, entry

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from tasks.journal.journal import Journal


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_record_that_somebody_wrote_into_costs_no_other_mail_of_its_run(
    journal: Journal, redis: Redis, damage: Callable[[Redis, str], None]
) -> None:
    journal.accept([entry(name) for name in ("before", "damaged", "m")])
    damage(redis, "damaged")

    before, damaged, after = journal.begin(["before", "damaged", "m"])

    assert damaged == Refusal("damaged", Hindrance.DAMAGED, result_of_damage("damaged"))
    assert isinstance(before, Claim)
    assert isinstance(after, Claim)
    assert [record is None for record in journal.look_up(["before", "m"])] == [False, False]


@pytest.mark.parametrize("value", ["canary", "nan"])
@pytest.mark.parametrize("name", ["lease", "runs", "started", "resends", "fence"])
def test_a_record_that_somebody_wrote_into_while_it_was_in_hand_costs_no_other_mail_either(
    journal: Journal, redis: Redis, name: str, value: str
) -> None:
    journal.accept([entry("damaged"), entry("m")])
    journal.begin(["damaged"])
    redis.hset("postroom:mail:damaged", name, value)

    damaged, other = journal.begin(["damaged", "m"])

    assert damaged == Refusal("damaged", Hindrance.DAMAGED, result_of_damage("damaged"))
    assert isinstance(other, Claim)


@pytest.mark.parametrize("times", [0, 1], ids=["waits", "in hand"])
@pytest.mark.parametrize(
    ("name", "value"), [("accepted", "9" * 17), ("fence", "nan"), ("history", b"\xff"), ("progress", b"\xff")]
)
def test_a_record_that_its_reader_stumbles_over_costs_no_other_mail_of_its_run(
    journal_with: Callable[..., Journal], redis: Redis, name: str, value: bytes | str, times: int
) -> None:
    journal = journal_with(lease=0.0)
    journal.accept([entry("damaged"), entry("m")])
    for _ in range(times):
        journal.begin(["damaged"])
    redis.hset("postroom:mail:damaged", name, value)

    *_, (damaged, other) = [journal.begin(["damaged", "m"]) for _ in range(2)]

    assert damaged == Refusal("damaged", Hindrance.DAMAGED, result_of_damage("damaged"))
    assert isinstance(other, Claim)


def test_a_mail_whose_result_cannot_be_read_costs_no_other_mail_of_its_run(
    journal: Journal, take: Callable[[Journal], Claim], redis: Redis
) -> None:
    journal.finish([Settlement.of(take(journal), MailState.SENT, SENT)])
    journal.accept([entry("other")])
    redis.hset("postroom:mail:m", "result", "canary")

    damaged, other = journal.begin(["m", "other"])

    assert damaged == Refusal("m", Hindrance.DAMAGED, result_of_damage("m"))
    assert isinstance(other, Claim)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("state", "canary"),
        ("accepted", "canary"),
        ("due", "canary"),
        ("accepted", "9" * 30),
        ("due", "-" + "9" * 20),
        ("history", "canary"),
        ("history", "7"),
        ("history", "[7]"),
        ("history", '[{"at": "canary"}]'),
        ("result", "canary"),
        ("result", '{"success": true}'),
    ],
)
def test_a_record_that_cannot_be_read_is_of_unknown_outcome(
    journal: Journal, redis: Redis, name: str, value: str
) -> None:
    journal.accept([entry("damaged"), entry("m")])
    redis.hset("postroom:mail:damaged", name, value)

    damaged, other = journal.look_up(["damaged", "m"])

    assert damaged == Record.damaged("damaged")
    assert other is not None
    assert other.result is None


def test_a_mail_that_has_its_result_has_it_whatever_else_somebody_wrote_into_its_record(
    journal: Journal, redis: Redis
) -> None:
    journal.accept([entry()])
    [claim] = journal.begin(["m"])
    assert isinstance(claim, Claim)
    journal.finish([Settlement.of(claim, MailState.SENT, SENT)])
    redis.hset("postroom:mail:m", mapping={"due": "soon", "published": "", "fence": "x", "lane": "express"})

    [again] = journal.begin(["m"])
    [record] = journal.look_up(["m"])

    assert again == Refusal("m", Hindrance.DONE, SENT)
    assert record is not None
    assert (record.state, record.result, record.lane) == (MailState.SENT, SENT, "default")


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_record_that_no_worker_would_take_up_is_of_unknown_outcome(
    journal: Journal, redis: Redis, damage: Callable[[Redis, str], None]
) -> None:
    journal.accept([entry("damaged"), entry("m")])
    damage(redis, "damaged")

    damaged, other = journal.look_up(["damaged", "m"])

    assert damaged == Record.damaged("damaged")
    assert damaged.result == result_of_damage("damaged")
    assert other is not None
