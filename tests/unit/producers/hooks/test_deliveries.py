"""Deliveries are made once, taken by one sender at a time, tried again, and given up."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from producers.hooks.deliveries import COUNTS, KEYS, DeliveryOptions, Settlement
from producers.hooks.events import Event, Unreadable
from producers.hooks.views import DeliveryState
from tasks.journal.control import Control
from tasks.journal.keys import ENDED

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

ADDRESS = "0123456789abcdef"


def claim(post: Any, key_id: str = "shop", address: str = ADDRESS) -> list[Any]:
    return post.deliveries.claim({key_id: address})


def settle(post: Any, claim: Any, attempt: Any, *, wait: float | None = 60.0, address: str = ADDRESS) -> bool:
    return post.deliveries.settle([Settlement(claim, attempt, address, wait)])[0]


def test_an_event_is_what_callers_are_told_and_its_id_is_the_same_however_often_it_is_read(post: Any) -> None:
    mail_id = post.end("shop")

    [first], [again] = post.events(), post.events()

    assert first == again
    assert (first.key_id, first.mail_id, first.type) == ("shop", mail_id, "email.cancelled")
    body = json.loads(first.body)
    assert (body["type"], body["data"]["id"], body["data"]["state"]) == (
        "email.cancelled",
        mail_id,
        "cancelled",
    )
    assert body["data"]["result"]["metadata"] == {"order": "7"}
    assert body["timestamp"].endswith("Z")
    assert b"canary-subject" not in first.body
    assert b"ann@x.org" not in first.body
    assert "." not in first.delivery_id


END = {
    b"mail": b"m",
    b"notify": b"shop",
    b"fence": b"1",
    b"state": b"sent",
    b"lane": b"bulk",
    b"accepted": b"1",
    b"due": b"1",
    b"published": b"1",
}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {b"mail": b"m", b"notify": b"shop"},
        {**END, b"state": b"queued"},
        {**END, b"state": b"odd"},
        {**END, b"accepted": b"soon"},
    ],
    ids=["nothing", "no fence", "no end", "no state", "damaged"],
)
def test_an_entry_that_tells_no_end_is_unreadable(fields: dict[bytes, bytes]) -> None:
    with pytest.raises(Unreadable):
        Event.of("1-0", fields)


def test_an_event_becomes_one_delivery_however_many_senders_read_it(post: Any, redis: Redis) -> None:
    post.end("shop")
    seen_by_one, seen_by_other = post.events(), post.events()

    assert post.deliveries.admit(seen_by_one) == 1
    assert redis.xlen(ENDED) == 0
    assert post.deliveries.admit(seen_by_other) == 0
    assert len(claim(post)) == 1
    assert claim(post) == []


def test_a_mail_that_ends_again_is_told_again(post: Any) -> None:
    mail_id = post.end("shop")
    [first] = post.events()
    Control(post.redis).resend(post.entry(mail_id), recipients=1)
    Control(post.redis).cancel(mail_id)

    assert len({event.delivery_id for event in post.events()}) == 2
    assert first.delivery_id in {event.delivery_id for event in post.events()}


def test_what_a_dead_sender_had_is_due_again_under_another_claim(
    post: Any, attempt: Callable[..., Any]
) -> None:
    post.options = DeliveryOptions(lease=0.0)
    post.admit()
    [late] = claim(post)

    [current] = claim(post)

    assert current.delivery_id == late.delivery_id
    assert (late.number, current.number) == (1, 2)
    settle(post, late, attempt(500))
    assert len(claim(post)) == 1
    settle(post, late, attempt(200))
    assert post.ledger.get(late.delivery_id).state is DeliveryState.DELIVERED
    settle(post, current, attempt(500))
    assert post.ledger.get(late.delivery_id).state is DeliveryState.DELIVERED
    assert claim(post) == []


def test_a_delivery_that_failed_comes_again_in_its_time(post: Any, attempt: Callable[..., Any]) -> None:
    post.admit()
    [first] = claim(post)
    settle(post, first, attempt(503, excerpt="busy"), wait=0.0)

    [second] = claim(post)
    settle(post, second, attempt(None, error="timeout"), wait=60.0)

    assert second.tries == 1
    assert claim(post) == []
    found = post.ledger.get(first.delivery_id)
    assert (found.state, found.tries) == (DeliveryState.PENDING, 2)
    assert 50 < found.due.timestamp() - time.time() < 61
    assert [(each.status, each.error, each.excerpt) for each in found.attempts] == [
        (503, None, "busy"),
        (None, "timeout", ""),
    ]


def test_a_delivery_is_given_up_and_kept(post: Any, attempt: Callable[..., Any], redis: Redis) -> None:
    post.admit()
    [taken] = claim(post)
    settle(post, taken, attempt(500), wait=None)

    assert post.ledger.get(taken.delivery_id).state is DeliveryState.FAILED
    assert post.deliveries.due_keys(most=9) == []
    assert redis.hgetall(COUNTS) == {b"failed": b"1"}


def test_so_many_are_under_way_at_once_and_one_where_the_receiver_fails(
    post: Any, attempt: Callable[..., Any]
) -> None:
    post.options = DeliveryOptions(at_once=3)
    post.admit(count=7)
    first = claim(post)
    assert len(first) == 3
    assert claim(post) == []

    settle(post, first[0], attempt(500))
    assert claim(post) == []
    settle(post, first[1], attempt(200))
    assert len(claim(post)) == 2
    settle(post, first[2], attempt(500))

    assert claim(post) == []


def test_a_key_with_no_room_is_not_due_until_there_is_some(post: Any, attempt: Callable[..., Any]) -> None:
    post.options = DeliveryOptions(at_once=1)
    post.admit(count=2)
    assert post.deliveries.due_keys(most=9) == ["shop"]

    [taken] = claim(post)

    assert post.deliveries.due_keys(most=9) == []
    settle(post, taken, attempt(200))
    assert post.deliveries.due_keys(most=9) == ["shop"]


def test_one_keys_backlog_does_not_stand_before_anothers_delivery(post: Any) -> None:
    post.admit("dead", count=50)
    post.admit("shop")

    assert sorted(post.deliveries.due_keys(most=9)) == ["dead", "shop"]
    assert len(claim(post, "shop")) == 1


def test_a_receiver_that_is_gone_is_disabled_and_its_deliveries_fail_without_an_attempt(
    post: Any, attempt: Callable[..., Any], redis: Redis
) -> None:
    post.admit(count=3)
    taken = claim(post)

    assert settle(post, taken[0], attempt(410), wait=None) is True
    assert settle(post, taken[1], attempt(410), wait=None) is False
    settle(post, taken[2], attempt(410), wait=None)
    later = post.admit()

    assert claim(post) == []
    found = post.ledger.get(later[0].delivery_id)
    assert (found.state, found.attempts) == (DeliveryState.FAILED, ())
    assert redis.hget(COUNTS, "disabled") == b"1"
    assert redis.zcard(KEYS) == 0


def test_another_address_makes_a_fresh_start(post: Any, attempt: Callable[..., Any]) -> None:
    post.admit()
    [taken] = claim(post)
    settle(post, taken, attempt(410), wait=None)
    post.admit()

    assert len(claim(post, address="f" * 16)) == 1


def test_a_trial_reaches_a_disabled_receiver_and_enables_it(post: Any, attempt: Callable[..., Any]) -> None:
    post.admit()
    [taken] = claim(post)
    settle(post, taken, attempt(410), wait=None)
    trial_id = post.ledger.try_out("shop")

    [trial] = claim(post)
    settle(post, trial, attempt(200))
    post.admit()

    assert trial.delivery_id == trial_id
    assert json.loads(trial.body)["type"] == "webhook.test"
    assert len(claim(post)) == 1


def test_a_receiver_that_fails_for_days_is_disabled(
    post: Any, attempt: Callable[..., Any], redis: Redis
) -> None:
    post.options = DeliveryOptions(at_once=1)
    post.admit(count=3)
    for expected, age in ((False, 0.0), (False, 2.9), (True, 3.1)):
        now = time.time() * 1000
        if age:
            redis.hset("postroom:hooks:receiver:shop", mapping={"failing": round(now - age * 86_400_000)})
        [taken] = claim(post)
        assert settle(post, taken, attempt(None, error="timeout")) is expected


def test_two_failures_with_a_long_silence_between_them_are_no_long_failure(
    post: Any, attempt: Callable[..., Any], redis: Redis
) -> None:
    post.admit(count=2)
    [taken, _] = claim(post)
    settle(post, taken, attempt(500))
    long_ago = round((time.time() - 9 * 86_400) * 1000)
    redis.hset("postroom:hooks:receiver:shop", mapping={"failing": long_ago, "last": long_ago})
    redis.delete("postroom:hooks:under-way:shop")
    redis.zadd("postroom:hooks:due:shop", dict.fromkeys(redis.zrange("postroom:hooks:due:shop", 0, -1), 0))

    [again] = claim(post)

    assert settle(post, again, attempt(500)) is False


def test_what_was_not_posted_says_nothing_of_the_receiver(
    post: Any, attempt: Callable[..., Any], redis: Redis
) -> None:
    post.admit()
    [taken] = claim(post)

    settle(post, taken, attempt(None, error="the key has no webhook"), address="")

    assert not redis.exists("postroom:hooks:receiver:shop")


def test_the_last_attempts_are_kept(post: Any, attempt: Callable[..., Any]) -> None:
    post.admit()
    for number in range(25):
        [taken] = claim(post)
        settle(post, taken, replace(attempt(500), excerpt=str(number)), wait=0.0)

    found = post.ledger.get(taken.delivery_id)
    assert (found.tries, len(found.attempts), found.attempts[-1].excerpt) == (25, 20, "24")


def test_nothing_is_kept_for_ever(post: Any, redis: Redis, attempt: Callable[..., Any]) -> None:
    post.admit()
    [taken] = claim(post)
    settle(post, taken, attempt(200))

    lasting = {b"postroom:hooks:receiver:shop", COUNTS.encode()}
    left = [key for key in redis.scan_iter("postroom:hook*") if redis.ttl(key) == -1]
    assert {key for key in left if key != ENDED.encode()} <= lasting


def test_a_delivery_whose_time_is_over_is_no_longer_looked_for(post: Any, redis: Redis) -> None:
    [event] = post.admit()
    redis.delete(f"postroom:hook:{event.delivery_id}")

    assert claim(post) == []
    assert post.deliveries.due_keys(most=9) == []
