"""Password resets through a gateway: the answers and errors of those through the queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import redis

from producers.client import Mailer
from producers.errors import IdempotencyConflict, MailNotFound, NotAllowed, QueueUnavailable, TooManyResets
from producers.over_http.resets import GatewayResets
from tasks.contract.errors import InvalidInput
from tests.servers.odd_http import OddServer, losing, passing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.gateway import Running


@pytest.fixture
def server(queue_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(queue_url) as client:
        yield client


@pytest.fixture
def resets(gateway: Running, server: redis.Redis) -> Iterator[GatewayResets]:
    assert server.ping()
    with GatewayResets(gateway.url, key=gateway.key) as resets:
        yield resets


def test_a_reset_of_a_specified_user_waits_in_its_lane_and_can_be_polled(
    gateway: Running, resets: GatewayResets, server: redis.Redis
) -> None:
    mail_id = resets.for_user("ann", actor="ben", reason="locked out", ticket="T-1")
    with Mailer(gateway.url, key=gateway.key) as mailer:
        assert mailer.poll(mail_id).state == "queued"

    assert resets.for_user("ann", actor="ben", reason="locked out", ticket="T-1") == mail_id
    assert server.llen("reset") == 1
    with pytest.raises(IdempotencyConflict) as caught:
        resets.for_user("ann", actor="ben", ticket="T-1", locale="de")
    assert caught.value.mail_id == mail_id


def test_nobody_is_told_what_became_of_a_requesters_reset(gateway: Running, resets: GatewayResets) -> None:
    mail_id = resets.for_requester("nobody", source="203.0.113.7")
    with Mailer(gateway.url, key=gateway.key) as mailer, pytest.raises(MailNotFound):
        mailer.poll(mail_id)


def test_more_resets_than_the_limits_allow_are_refused(resets: GatewayResets) -> None:
    def ask() -> None:
        for number in range(50):
            resets.for_user("ann", actor=f"actor {number}", ticket=f"T-{number}")

    with pytest.raises(TooManyResets) as caught:
        ask()

    assert caught.value.what == "user"
    assert caught.value.wait > 0


@pytest.mark.parametrize(
    ("asked", "field"),
    [({"user": ""}, "user"), ({"ttl": 1}, "ttl"), ({"idempotency_key": "a b"}, "idempotency_key")],
    ids=["user", "ttl", "key"],
)
def test_what_is_wrong_is_told_by_field(resets: GatewayResets, asked: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        resets.for_user(**{"user": "ann", "actor": "ben", **asked})

    assert [error.field for error in caught.value.errors] == [field]


def test_a_key_needs_the_right(gateway: Running, server: redis.Redis) -> None:
    assert server.ping()
    _, token = gateway.keys.create(name="none")
    with GatewayResets(gateway.url, key=str(token)) as resets:
        for call in (
            lambda: resets.for_user("ann", actor="ben"),
            lambda: resets.for_requester("ann", source="203.0.113.7"),
        ):
            with pytest.raises(NotAllowed, match="postroom key create --resets"):
                call()


def test_only_what_is_the_same_request_again_is_repeated(gateway: Running, server: redis.Redis) -> None:
    _, port = gateway.address
    with (
        OddServer(losing(port), passing(port)) as odd,
        GatewayResets(odd.url, key=gateway.key) as resets,
    ):
        resets.for_user("ann", actor="ben")
        assert (len(odd.requests), server.llen("reset")) == (2, 1)
    with OddServer(losing(port)) as odd, GatewayResets(odd.url, key=gateway.key) as resets:
        with pytest.raises(QueueUnavailable):
            resets.for_requester("ann", source="203.0.113.7")
        assert len(odd.requests) == 1
