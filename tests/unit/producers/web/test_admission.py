"""Requests are counted and their mails noted in one step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from producers.web.admission import Admission, Visit
from producers.web.index import Index, Mention
from producers.web.rates import Rates

if TYPE_CHECKING:
    from redis import Redis

    from producers.web.keyfile import KeyFile
    from producers.web.keys import Key


@pytest.fixture
def key(key_file: KeyFile) -> Key:
    return key_file.create(name="slow", rate=0.001, burst=3)[0]


@pytest.fixture
def other(key_file: KeyFile) -> Key:
    return key_file.create(name="other", rate=10.0, burst=20)[0]


@pytest.fixture
def index(redis: Redis) -> Index:
    return Index(redis)


@pytest.fixture
def admission(redis: Redis, index: Index) -> Admission:
    return Admission(redis, index=index)


def visit(key: Key, *mail_ids: str, reference: str | None = None) -> Visit:
    return Visit(key, len(mail_ids), [Mention(mail_id, reference) for mail_id in mail_ids], delay=0.0)


def noted(index: Index, key: Key, reference: str | None = None) -> list[str]:
    return [place.mail_id for place in index.page(key.id, reference=reference, before=None, size=100)]


def test_mails_of_granted_requests_are_noted_and_those_of_refused_ones_are_not(
    admission: Admission, index: Index, key: Key
) -> None:
    answers = admission.admit([visit(key, "a", "b"), visit(key, "c", "d"), visit(key, "e", reference="r")])

    assert [answer.is_granted for answer in answers] == [True, False, True]
    assert [answer.remaining for answer in answers] == [0, 0, 0]
    assert answers[1].retry_after > 0
    assert noted(index, key) == ["e", "b", "a"]
    assert noted(index, key, "r") == ["e"]


def test_each_key_has_its_own_allowance_and_list(
    admission: Admission, index: Index, key: Key, other: Key
) -> None:
    run = [visit(other, "x"), visit(key, "a", "b", "c"), visit(other, "y", "z"), visit(key, "d")]
    answers = admission.admit(run)

    assert [(a.key.id, a.is_granted) for a in answers] == [
        (other.id, True),
        (key.id, True),
        (other.id, True),
        (key.id, False),
    ]
    assert (noted(index, other), noted(index, key)) == (["z", "y", "x"], ["c", "b", "a"])


def test_it_counts_from_the_same_bucket_as_requests_without_mails(
    admission: Admission, redis: Redis, key: Key
) -> None:
    rates = Rates(redis)
    rates.take([(key, 1), (key, 1)])

    assert [a.is_granted for a in admission.admit([visit(key, "a"), visit(key, "b")])] == [True, False]
    assert [a.is_granted for a in rates.take([(key, 1)])] == [False]


def test_a_key_that_has_nothing_left_leaves_no_list(admission: Admission, redis: Redis, key: Key) -> None:
    admission.admit([visit(key, "a", "b", "c")])
    redis.delete(*redis.keys("postroom:web:mails:*"))

    admission.admit([visit(key, "d")])

    assert redis.keys("postroom:web:mails:*") == []
