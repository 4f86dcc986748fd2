"""What stands between a web application and the gateway: connections that end, and answers of others."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from producers.integrations.client import Client
from producers.integrations.failures import Misconfigured, NoSuchMail, Refused, Unavailable
from tests.servers.stand import Stand, standing

if TYPE_CHECKING:
    from collections.abc import Iterator

GOOD: dict[str, Any] = {"to": "ann@example.org", "subject": "Hello", "body": "How are you?"}
ACCEPTED = (202, {"Content-Type": "application/json"}, b'{"id": "an-id"}')


def keys(stand: Stand) -> set[str]:
    """Return the idempotency keys that were sent."""
    return {json.loads(body)["idempotency_key"] for _, _, body in stand.requests}


@pytest.fixture
def stand() -> Iterator[Stand]:
    with standing() as stand:
        yield stand


@pytest.fixture
def client(stand: Stand) -> Iterator[Client]:
    with Client(gateway_url=f"{stand.url}/post/", api_key="pr_key", give_up_after=5) as client:
        yield client


def test_a_connection_is_kept_and_a_path_of_the_proxys_is_heeded(stand: Stand, client: Client) -> None:
    stand.answers = [ACCEPTED, ACCEPTED]

    client.send(**GOOD)
    client.send(**GOOD, lane="reset")

    assert stand.connections == 1
    assert [path for path, _, _ in stand.requests] == [
        "/post/v1/emails?lane=default",
        "/post/v1/emails?lane=reset",
    ]
    assert stand.requests[0][1]["Authorization"] == "Bearer pr_key"
    assert len(keys(stand)) == 2


def test_a_lost_answer_on_a_kept_connection_is_asked_for_again_as_the_same_mail(
    stand: Stand, client: Client
) -> None:
    stand.answers = [ACCEPTED, None, ACCEPTED]
    client.send(**GOOD)
    before = keys(stand)

    assert client.send(**GOOD) == "an-id"
    assert stand.connections == 2
    assert len(stand.requests) == 3
    assert len(keys(stand) - before) == 1


def test_a_lost_answer_on_a_new_connection_is_asked_for_again_once(stand: Stand, client: Client) -> None:
    stand.answers = [None, ACCEPTED]

    assert client.send(**GOOD) == "an-id"
    assert len(keys(stand)) == 1


def test_a_gateway_that_is_busy_is_asked_again_as_it_wishes(stand: Stand, client: Client) -> None:
    stand.answers = [(503, {"Retry-After": "0"}, b"{}"), (502, {}, b"<html>"), ACCEPTED]

    assert client.send(**GOOD) == "an-id"
    assert len(keys(stand)) == 1


def test_a_gateway_that_wishes_for_more_than_there_is_patience_is_unavailable(
    stand: Stand, client: Client
) -> None:
    stand.answers = [(429, {"Retry-After": "60"}, b"{}")]

    with pytest.raises(Unavailable, match="it answered with 429"):
        client.send(**GOOD)


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        ((500, {}, b'{"detail": "canary"}'), Unavailable, "status 500 and nothing that can be used"),
        ((200, {}, b"<html>canary</html>"), Unavailable, "status 200 and nothing that can be used"),
        ((202, {}, b"[1]"), Unavailable, "status 202 and nothing that can be used"),
        ((202, {}, b"{}"), Unavailable, "without an id"),
        ((301, {"Location": "https://x"}, b""), Misconfigured, "sends to another address"),
        ((401, {}, b"{}"), Misconfigured, "refuses the API key"),
        ((413, {}, b'{"detail": "too much"}'), Refused, "the mail: too much"),
        (None, Unavailable, "the gateway cannot be reached"),
    ],
    ids=str,
)
def test_answers_of_every_kind_are_told(
    stand: Stand, client: Client, answer: Any, error: type[Exception], said: str
) -> None:
    stand.answers = [answer, answer]

    with pytest.raises(error, match=said) as told:
        client.send(**GOOD)
    assert "canary" not in str(told.value)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((404, {}, b'{"detail": "no"}'), NoSuchMail),
        ((404, {}, b"<html>"), Unavailable),
        ((422, {}, b'{"detail": "no"}'), Refused),
        ((200, {}, b"{}"), Unavailable),
    ],
    ids=["none of this id", "another server's", "wrong request", "another document"],
)
def test_a_question_is_answered_by_the_gateway_or_not_at_all(
    stand: Stand, client: Client, answer: Any, error: type[Exception]
) -> None:
    stand.answers = [answer]

    with pytest.raises(error):
        client.status("an-id")


# A child must not close what it shares with its parent, so that here nobody does.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
def test_a_process_that_was_forked_has_connections_of_its_own(
    stand: Stand, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand.answers = [ACCEPTED, ACCEPTED]
    client.send(**GOOD)
    with monkeypatch.context() as child:
        child.setattr(os, "getpid", lambda: 1)
        client.send(**GOOD)
        client.close()

    assert stand.connections == 2
