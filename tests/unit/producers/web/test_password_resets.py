"""Password resets over HTTP: two endpoints, two rights, and what neither tells."""

from __future__ import annotations

from typing import Any

import pytest

from producers.errors import IdempotencyConflict, QueueUnavailable, TooManyResets

USERS, REQUESTS = "/v1/password-resets/users", "/v1/password-resets/requests"
COMPLETED = "/v1/password-resets/completed"


def test_a_reset_for_a_user_is_taken_in_and_can_be_looked_up(call: Any, resets: Any) -> None:
    answer = call("POST", USERS, json={"user": "ann", "ticket": "T-1", "ttl": 600})
    found = call("GET", answer.headers["location"])

    assert answer.status_code == 202
    assert (found.status_code, found.json()["state"], found.json()["lane"]) == (200, "queued", "reset")
    assert resets.asked == [("ann", {"actor": "shop", "ticket": "T-1", "ttl": 600, "idempotency_key": None})]


def test_an_actor_and_a_key_of_ones_own_are_passed_on(call: Any, resets: Any) -> None:
    call("POST", USERS, json={"user": "ann", "actor": "ben"}, headers={"Idempotency-Key": "k1"})

    assert resets.asked == [("ann", {"actor": "ben", "idempotency_key": "k1"})]


def test_a_public_request_is_answered_with_an_id_that_tells_nothing(call: Any) -> None:
    answers = [
        call("POST", REQUESTS, json={"user": user, "source": "203.0.113.7"}) for user in ("ann", "nobody")
    ]
    known = [call("GET", f"/v1/emails/{answer.json()['id']}") for answer in answers]

    assert [answer.status_code for answer in answers] == [202, 202]
    assert {tuple(sorted(answer.json())) for answer in answers} == {("id", "state")}
    assert len({len(answer.content) for answer in answers}) == 1
    assert {answer.status_code for answer in known} == {404}


def test_a_change_that_was_made_is_told_and_can_be_looked_up(call: Any, resets: Any) -> None:
    answer = call("POST", COMPLETED, json={"user": "ann", "locale": "de"})
    found = call("GET", answer.headers["location"])

    assert (answer.status_code, found.status_code) == (202, 200)
    assert resets.asked == [("ann", {"locale": "de"})]


@pytest.mark.parametrize("path", [USERS, REQUESTS, COMPLETED])
def test_a_key_without_the_right_is_refused(path: str, other: Any, resets: Any) -> None:
    answer = other("POST", path, json={"user": "ann"})

    assert answer.status_code == 403
    assert "--resets" in answer.json()["detail"]
    assert resets.asked == []


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        (USERS, {}, "/user"),
        (USERS, {"user": None}, "/user"),
        (USERS, {"user": "ann", "link": "https://x"}, "/link"),
        (USERS, {"user": "ann", "ttl": 1}, "/ttl"),
        (USERS, {"user": "ann", "workflow": "requester"}, "/workflow"),
        (USERS, {"user": 7}, "/user"),
        (USERS, [], ""),
        (COMPLETED, {}, "/user"),
        (COMPLETED, {"user": "ann", "source": "form"}, "/source"),
        (COMPLETED, {"user": "a\nb"}, "/user"),
        (REQUESTS, {"user": "ann"}, "/source"),
        (REQUESTS, {"user": "ann", "source": "x" * 201}, "/source"),
        (USERS, {"user": "x" * 321}, "/user"),
        (REQUESTS, {"user": "a\nb", "source": "form"}, "/user"),
        (REQUESTS, {"user": "ann", "source": "form", "is_throttled": False}, "/is_throttled"),
    ],
    ids=str,
)
def test_a_wrong_field_is_pointed_at(path: str, body: Any, pointer: str, call: Any) -> None:
    answer = call("POST", path, json=body)

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("failure", "status", "kind"),
    [
        (TooManyResets("user", 90.4), 429, "too-many-resets"),
        (IdempotencyConflict("m1"), 422, "idempotency-key-reused"),
        (QueueUnavailable("away"), 503, "queue-unavailable"),
    ],
    ids=["limit", "conflict", "away"],
)
def test_what_stops_a_reset_is_a_problem(
    failure: Exception, status: int, kind: str, call: Any, resets: Any
) -> None:
    resets.failure = failure
    answer = call("POST", USERS, json={"user": "ann"})

    assert answer.status_code == status
    assert answer.json()["type"].endswith(kind)
    assert status != 429 or answer.headers["retry-after"] == "90"


@pytest.mark.parametrize("other_fields", [{"resets": ("users",), "rate": 0.001, "burst": 1}], ids=["slow"])
def test_a_key_that_goes_too_fast_is_told_before_anybody_is_asked(other: Any, resets: Any) -> None:
    answers = [other("POST", USERS, json={"user": "ann"}).status_code for _ in range(2)]

    assert answers == [202, 429]
    assert len(resets.asked) == 1


@pytest.mark.parametrize("other_fields", [{"resets": ("users",), "account": "shop"}], ids=["bound"])
def test_a_key_that_is_bound_to_an_account_uses_it(other: Any, resets: Any) -> None:
    other("POST", USERS, json={"user": "ann"})

    assert resets.asked[0][1]["account"] == "shop"
