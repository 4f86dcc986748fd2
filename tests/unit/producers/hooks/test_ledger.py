"""Deliveries are listed, looked at and made again by their key's holder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from producers.hooks.deliveries import Settlement
from producers.hooks.views import DeliveryState, Replay

if TYPE_CHECKING:
    from collections.abc import Callable

    from producers.web.keys import Key


@pytest.fixture
def key(make_key: Callable[..., Key]) -> Key:
    return make_key()


def settle(post: Any, key: Key, attempt: Any, *, wait: float | None = None) -> list[str]:
    """Have all that is due end with *attempt*."""
    address = key.webhook.fingerprint  # type: ignore[union-attr]  # it has one
    claims = post.deliveries.claim({key.id: address})
    post.deliveries.settle([Settlement(claim, attempt, address, wait) for claim in claims])
    return [claim.delivery_id for claim in claims]


def test_the_newest_come_first_page_by_page(post: Any, key: Key) -> None:
    made = [event.delivery_id for event in post.admit(key.id, count=5)]
    post.admit("another", count=2)

    first, before = post.ledger.page(key.id, state=None, before=None, size=3)
    second, end = post.ledger.page(key.id, state=None, before=before, size=3)

    assert [each.delivery_id for each in (*first, *second)] == made[::-1]
    assert end is None


def test_a_state_can_be_looked_for(post: Any, key: Key, attempt: Callable[..., Any]) -> None:
    post.admit(key.id, count=2)
    failed = settle(post, key, attempt(500))
    post.admit(key.id, count=150)

    found, _ = post.ledger.page(key.id, state=DeliveryState.FAILED, before=None, size=10)
    pending, _ = post.ledger.page(key.id, state=DeliveryState.PENDING, before=None, size=1000)

    assert {each.delivery_id for each in found} == set(failed)
    assert len(pending) == 150
    assert all(each.due for each in pending)


def test_another_keys_delivery_is_not_there(post: Any, key: Key) -> None:
    [event] = post.admit(key.id)

    assert post.ledger.get(event.delivery_id, key_id=key.id) is not None
    assert post.ledger.get(event.delivery_id, key_id="another") is None
    assert post.ledger.get("evt_none") is None
    assert post.ledger.replay(event.delivery_id, key_id="another", webhook=key.webhook) is Replay.MISSING
    assert post.ledger.replay("evt_none", key_id=key.id, webhook=key.webhook) is Replay.MISSING


@pytest.mark.parametrize("status", [200, 500], ids=["delivered", "given up"])
def test_a_delivery_is_made_again_from_its_first_attempt_on_under_its_id(
    post: Any, key: Key, attempt: Callable[..., Any], status: int
) -> None:
    post.admit(key.id)
    [delivery_id] = settle(post, key, attempt(status))

    assert post.ledger.replay(delivery_id, key_id=key.id, webhook=key.webhook) is Replay.QUEUED

    found = post.ledger.get(delivery_id)
    assert (found.state, found.tries, len(found.attempts)) == (DeliveryState.PENDING, 0, 1)
    assert settle(post, key, attempt(200)) == [delivery_id]
    assert post.ledger.get(delivery_id).state is DeliveryState.DELIVERED


def test_one_that_waits_for_its_next_attempt_is_tried_now(
    post: Any, key: Key, attempt: Callable[..., Any]
) -> None:
    post.admit(key.id)
    [delivery_id] = settle(post, key, attempt(500), wait=3600.0)
    assert settle(post, key, attempt(200)) == []

    assert post.deliveries.due_keys(most=9) == []

    post.ledger.replay(delivery_id, key_id=key.id, webhook=key.webhook)

    assert post.deliveries.due_keys(most=9) == [key.id]
    assert settle(post, key, attempt(200)) == [delivery_id]


def test_one_that_is_under_way_is_not_posted_twice_at_once(post: Any, key: Key) -> None:
    post.admit(key.id)
    [taken] = post.deliveries.claim({key.id: "x"})

    assert post.ledger.replay(taken.delivery_id, key_id=key.id, webhook=key.webhook) is Replay.QUEUED
    assert post.deliveries.claim({key.id: "x"}) == []


@pytest.mark.parametrize("status", [500, 200], ids=["fails", "is delivered"])
def test_the_last_attempt_does_not_give_up_what_was_asked_for_again_meanwhile(
    post: Any, key: Key, attempt: Callable[..., Any], status: int
) -> None:
    post.admit(key.id)
    [last] = post.deliveries.claim({key.id: "x"})
    post.ledger.replay(last.delivery_id, key_id=key.id, webhook=key.webhook)

    post.deliveries.settle([Settlement(last, attempt(status), "x", None)])

    found = post.ledger.get(last.delivery_id)
    assert found.state is (DeliveryState.DELIVERED if status == 200 else DeliveryState.PENDING)


def test_one_that_was_delivered_while_it_was_asked_for_again_can_be_asked_for_once_more(
    post: Any, key: Key, attempt: Callable[..., Any]
) -> None:
    post.admit(key.id)
    [taken] = post.deliveries.claim({key.id: "x"})
    post.ledger.replay(taken.delivery_id, key_id=key.id, webhook=key.webhook)
    post.deliveries.settle([Settlement(taken, attempt(200), "x", None)])

    post.ledger.replay(taken.delivery_id, key_id=key.id, webhook=key.webhook)

    assert post.redis.zscore(f"postroom:hooks:due:{key.id}", taken.delivery_id) is not None
    assert post.redis.zscore("postroom:hooks:keys", key.id) is not None


def test_nothing_is_made_again_for_a_disabled_receiver(
    post: Any, key: Key, attempt: Callable[..., Any]
) -> None:
    post.admit(key.id)
    [delivery_id] = settle(post, key, attempt(410))

    assert post.ledger.replay(delivery_id, key_id=key.id, webhook=key.webhook) is Replay.DISABLED
    health = post.ledger.health(key.id, key.webhook)
    assert health.reason == "gone"
    assert health.disabled_at
    assert health.failing_since


def test_all_deliveries_have_numbers(post: Any, key: Key, attempt: Callable[..., Any]) -> None:
    post.admit(key.id, count=2)
    settle(post, key, attempt(200))
    post.admit("another", count=3)
    post.end(key.id)

    found = post.ledger.numbers()

    assert found.outcomes == {"delivered": 2}
    assert (found.pending, found.unread) == (3, 1)
    assert 0.0 <= found.seconds_late < 60.0
