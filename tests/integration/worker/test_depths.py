"""What waits in the lanes is asked of a real server, over one connection."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from worker.depths import AWAY, Depths
from worker.queue import QueueApp

if TYPE_CHECKING:
    from redis import Redis


@pytest.fixture
def depths(place: str) -> Depths:
    return Depths(QueueApp(place))


def connections(redis: Redis) -> set[str]:
    """The connections to the database, without the one that asks."""
    mine = redis.client_id()
    return {c["id"] for c in redis.client_list() if c["db"] == "5" and int(c["id"]) != mine}


def test_what_waits_in_each_lane_is_counted(depths: Depths, redis: Redis) -> None:
    redis.rpush("bulk", "one", "two")

    assert depths.of(["reset", "bulk"]) == {"reset": 0, "bulk": 2}
    assert depths.of_those_there(["reset", "bulk"]) == 2


def test_question_after_question_makes_no_connection_anew(depths: Depths, redis: Redis) -> None:
    depths.of(["bulk"])
    first = connections(redis)
    for _ in range(5):
        depths.of(["bulk"])
        depths.of_those_there(["bulk"])

    # Of those of tests before, which nobody holds any more, some may be closed meanwhile.
    assert connections(redis) <= first


def test_a_connection_that_the_server_closed_is_replaced_unseen(depths: Depths, redis: Redis) -> None:
    redis.rpush("bulk", "one")
    depths.of(["bulk"])
    for each in connections(redis):
        redis.client_kill_filter(_id=each)

    assert depths.of(["bulk"]) == {"bulk": 1}


def test_a_server_that_is_away_is_said_to_be() -> None:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port = bound.getsockname()[1]
    app = QueueApp(f"redis://127.0.0.1:{port}/0")
    app.conf.broker_transport_options = {"max_retries": 0}
    depths = Depths(app)

    for _ in range(2):
        with pytest.raises(AWAY):
            depths.of(["bulk"])
