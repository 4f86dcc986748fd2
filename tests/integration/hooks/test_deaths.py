"""Senders tell every end of a mail at least once, whatever dies."""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from producers.hooks.views import DeliveryState
from tests.servers.receiver import told
from tests.servers.redis_server import RedisServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers.receiver import Posted, Receiver

#: All that is due is under way at once, and has time enough on a machine that has much to do.
EAGER = {"POSTROOM_HOOKS_AT_ONCE": "100", "POSTROOM_HOOKS_TIMEOUT": "3"}


@pytest.mark.timeout(150)
def test_a_sender_that_is_killed_at_any_moment_leaves_no_end_untold(
    office: Any, receiver: Receiver, until: Callable[..., None]
) -> None:
    """With everything under way and three posts made, again among later ones, and while it takes ends in."""
    key = office.key(f"{receiver.url}/200")
    senders = [office.send(**EAGER)]
    # Posts arrive at once and of senders that are dead: each sender's are counted, and none is the last.
    last_posts, posts = {1: 3, 2: 15}, Counter[int]()

    def kill(_: Posted) -> None:
        number = len(senders)
        posts[number] += 1
        if posts[number] >= last_posts.get(number, sys.maxsize):
            senders[number - 1].kill()

    receiver.on_post = kill
    mails = office.end(key, 40)
    for _ in range(2):
        until(lambda: senders[-1].poll() is not None)
        senders.append(office.send(**EAGER))
        mails += office.end(key, 20)
    until(lambda: office.redis.xlen("postroom:hooks:ended") < 20)
    senders[-1].kill()
    office.send(**EAGER)
    until(lambda: set(told(receiver.posted)) == set(mails), within=90.0)

    ids = {json.loads(each.body)["data"]["id"]: each.id for each in receiver.posted}
    assert {each.id for each in receiver.posted} == set(ids.values())
    bodies = {each.id: each.body for each in receiver.posted}
    assert all(bodies[each.id] == each.body for each in receiver.posted)


def test_several_senders_share_the_work_and_tell_each_end_once(
    office: Any, receiver: Receiver, until: Callable[..., None]
) -> None:
    key = office.key(f"{receiver.url}/200")
    senders = [office.send(), office.send()]
    mails = office.end(key, 150)

    until(lambda: len(receiver.posted) >= 150)
    for sender in senders:
        sender.terminate()
        assert sender.wait(15) == 0

    assert told(receiver.posted) == dict.fromkeys(mails, 1)


def test_an_end_of_a_key_that_another_file_has_waits_for_that_file(
    office: Any, receiver: Receiver, until: Callable[..., None]
) -> None:
    key = office.key(f"{receiver.url}/200")
    office.end(key)
    office.keys.path.rename(office.folder / "moved.json")
    sender = office.send()
    until(lambda: office.lines("webhook failed"))
    sender.terminate()
    sender.wait(15)
    (office.folder / "moved.json").rename(office.keys.path)
    [delivery] = office.ledger.page(key.id, state=None, before=None, size=9)[0]
    assert delivery.state is DeliveryState.PENDING
    office.ledger.replay(delivery.delivery_id, key_id=key.id, webhook=key.webhook)
    office.send()

    receiver.wait_for(1)


def test_a_sender_outlives_an_outage_of_its_redis(
    office: Any, receiver: Receiver, until: Callable[..., None], tmp_path: Any
) -> None:
    with RedisServer(tmp_path / "own") as server:
        key = office.key(f"{receiver.url}/200")
        sender = office.send(
            POSTROOM_BROKER_URL=server.url, POSTROOM_HOOKS_HEARTBEAT_FILE=str(office.folder / "alive")
        )
        until(lambda: office.lines("webhooks started"))
        server.end()
        until(lambda: office.lines("redis away"))
        server.start()
        with server.client() as client:
            office.redis = client
            [mail] = office.end(key)
            posted = receiver.wait_for(1)

        assert told(posted) == {mail: 1}
        assert sender.poll() is None
        assert (office.folder / "alive").exists()
