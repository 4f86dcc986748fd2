"""What receivers get of a sender that runs, whatever they do with it."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from producers.hooks.views import DeliveryState
from producers.web.webhook import new_secret
from tests.servers.receiver import is_signed, receiving, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from producers.web.keys import Key
    from tests.servers.receiver import Receiver


def secret_of(key: Key, number: int = 0) -> str:
    assert key.webhook
    return key.webhook.secrets[number].secret.get_secret_value()


def test_an_end_is_told_at_once_and_signed(
    served: Any, receiver: Receiver, until: Callable[..., None]
) -> None:
    key = served.key(f"{receiver.url}/200")
    [first] = served.end(key)
    receiver.wait_for(1)
    began = time.monotonic()

    [second] = served.end(key)
    posted = receiver.wait_for(2)

    assert time.monotonic() - began < 2.0
    assert told(posted) == {first: 1, second: 1}
    assert all(is_signed(each, secret_of(key)) for each in posted)
    assert all(abs(int(each.headers["webhook-timestamp"]) - time.time()) < 20 for each in posted)
    until(lambda: served.ledger.get(posted[1].id).state is DeliveryState.DELIVERED)


def test_what_a_dead_receiver_does_not_take_holds_up_nobody_else(served: Any, receiver: Receiver) -> None:
    dead = [served.key(f"{receiver.url}/hang") for _ in range(3)]
    for key in dead:
        served.end(key, 100)
    receiver.wait_for(3, path="/hang")
    living = served.key(f"{receiver.url}/200")
    began = time.monotonic()

    mails = served.end(living, 20)
    posted = receiver.wait_for(20)

    assert told(posted) == dict.fromkeys(mails, 1)
    assert time.monotonic() - began < 3.0


def test_a_failed_delivery_comes_again_by_itself(served: Any, receiver: Receiver) -> None:
    key = served.key(f"{receiver.url}/200")
    receiver.instead["/200"] = "500"
    served.end(key)
    receiver.wait_for(1)
    receiver.instead.clear()

    first, second = receiver.wait_for(2)

    assert first.id == second.id
    assert 4 <= int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) <= 8


def test_a_receiver_that_is_gone_hears_no_more_until_a_trial_succeeds(
    served: Any, receiver: Receiver, until: Callable[..., None]
) -> None:
    key = served.key(f"{receiver.url}/200")
    receiver.instead["/200"] = "410"
    served.end(key)
    until(lambda: served.lines("webhook disabled"))
    served.end(key, 5)
    failed = DeliveryState.FAILED
    until(lambda: len(served.ledger.page(key.id, state=failed, before=None, size=9)[0]) == 6)
    assert len(receiver.posted) == 1
    receiver.instead.clear()

    trial = served.ledger.try_out(key.id)
    until(lambda: served.ledger.get(trial).state is DeliveryState.DELIVERED)
    [told_again] = served.end(key)
    posted = receiver.wait_for(3)

    assert json.loads(posted[1].body)["type"] == "webhook.test"
    assert told(posted[2:]) == {told_again: 1}


def test_only_the_states_that_were_asked_for_are_told(served: Any, receiver: Receiver) -> None:
    unwanted = served.key(f"{receiver.url}/201", states=["sent"])
    wanted = served.key(f"{receiver.url}/200", states=["sent", "cancelled"])
    served.end(unwanted, 3)

    served.end(wanted)
    receiver.wait_for(1)

    assert receiver.at("/201") == []
    assert served.ledger.page(unwanted.id, state=None, before=None, size=9) == ([], None)


def test_both_secrets_sign_after_a_rotation(served: Any, receiver: Receiver) -> None:
    key = served.key(f"{receiver.url}/200")
    served.end(key)
    receiver.wait_for(1)

    rotated = served.keys.change(
        key.id,
        lambda found: found.model_copy(
            update={"webhook": found.webhook.rotated(datetime.now(UTC), keep=timedelta(1), make=new_secret)}
        ),
    )
    time.sleep(1.1)
    served.end(key)
    posted = receiver.wait_for(2)[1]

    assert is_signed(posted, secret_of(key))
    assert is_signed(posted, secret_of(rotated))
    assert len(posted.headers["webhook-signature"].split(" ")) == 2


def test_a_revoked_key_is_told_nothing(served: Any, receiver: Receiver) -> None:
    revoked, other = served.key(f"{receiver.url}/201"), served.key(f"{receiver.url}/200")
    served.keys.revoke(revoked.id)

    served.end(revoked, 2)
    served.end(other)
    receiver.wait_for(1)

    assert receiver.at("/201") == []
    assert served.ledger.page(revoked.id, state=None, before=None, size=9) == ([], None)


def test_neither_redis_nor_the_log_has_a_secret_or_an_address(
    served: Any, receiver: Receiver, until: Callable[..., None]
) -> None:
    key = served.key(f"{receiver.url}/200?token=canary-token")
    served.end(key)
    with receiving() as other:
        failing = served.key(f"{other.url}/500?token=canary-token")
        served.end(failing)
        until(lambda: served.lines("webhook failed") and served.lines("webhook delivered"))

    secrets = [secret_of(each).removeprefix("whsec_") for each in (key, failing)]
    kept = b"".join(everything(served.redis)).decode("utf-8", "replace") + served.log.read_text()
    canaries = [*secrets, "canary-token", "canary@example.org", "canary-subject", "canary-body"]
    assert len(kept) > 1000
    assert [canary for canary in canaries if canary in kept] == []


def everything(redis: Any) -> list[bytes]:
    """Return all keys, fields and values."""
    found: list[bytes] = []
    for name in redis.scan_iter():
        found.append(name)
        match redis.type(name):
            case b"hash":
                found += [part for pair in redis.hgetall(name).items() for part in pair]
            case b"list":
                found += redis.lrange(name, 0, -1)
            case b"zset":
                found += redis.zrange(name, 0, -1)
            case b"stream":
                found += [
                    part for _, fields in redis.xrange(name) for pair in fields.items() for part in pair
                ]
            case b"string":
                found.append(redis.get(name))
            case other:
                raise AssertionError(other)
    return found
