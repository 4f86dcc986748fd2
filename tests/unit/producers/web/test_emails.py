"""Handing one email in over HTTP, and asking what became of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tasks.contract.names import Lane
from tasks.contract.result import Delivery, SendEmailResult
from tasks.contract.status import MailState
from tasks.journal.journal import Journal
from tasks.journal.records import Claim
from tasks.journal.settlement import Settlement

if TYPE_CHECKING:
    from redis import Redis

SENT = SendEmailResult(
    success=True, code=250, message="2.0.0 OK", delivery=Delivery.SENT, retryable=False, source="server"
)


def test_an_email_is_accepted_with_an_id_under_which_it_waits(call: Any, mail: dict[str, Any]) -> None:
    accepted = call("POST", "/v1/emails", json=mail)
    email = call("GET", accepted.headers["location"])

    assert accepted.status_code == 202
    assert accepted.headers["retry-after"] == "1"
    assert accepted.json() == {
        "id": email.json()["id"],
        "state": "queued",
        "location": f"/v1/emails/{email.json()['id']}",
    }
    assert email.status_code == 200
    assert email.json()["state"] == "queued"
    assert email.json()["success"] is None


def test_the_result_is_answered_once_there_is_one(call: Any, mail: dict[str, Any], redis: Redis) -> None:
    mail_id = call("POST", "/v1/emails", json=mail).json()["id"]
    [claim] = Journal(redis).begin([mail_id])
    assert isinstance(claim, Claim)
    Journal(redis).finish([Settlement.of(claim, MailState.SENT, SENT)])

    email = call("GET", f"/v1/emails/{mail_id}?wait=5")

    assert "retry-after" not in email.headers
    assert email.json()["success"] is True
    assert email.json()["code"] == 250
    assert email.json()["result"]["message"] == "2.0.0 OK"


def test_every_wrong_field_is_told_with_a_pointer_to_what_the_caller_wrote(call: Any) -> None:
    refused = call("POST", "/v1/emails", json={"Subject": " ", "recipient": "x", "to": "no-address"})

    problem = refused.json()
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert problem["type"] == "urn:postroom:problem:invalid-input"
    assert problem["code"] == 600
    assert {error["pointer"] for error in problem["errors"]} == {"/Subject", "/recipient", "/to", "/body"}


@pytest.mark.parametrize(
    ("content", "where"),
    [
        (b'{"to":', "line 1, column 7"),
        (b"\xff", "byte 1"),
        (b'{"to": "a@b.example", "to": "c@d.example"}', "two members"),
        (b'{"timeout": NaN}', "NaN"),
        (b"[" * 100_000, "deeply"),
        (b'{"timeout": ' + b"1" * 5000 + b"}", "digits"),
    ],
    ids=["cut off", "no UTF-8", "twice", "NaN", "nested", "endless number"],
)
def test_what_is_no_json_is_refused_without_being_repeated(call: Any, content: bytes, where: str) -> None:
    refused = call("POST", "/v1/emails", content=content, headers={"Content-Type": "application/json"})

    assert refused.status_code == 400
    assert where in refused.json()["detail"]
    assert "example" not in refused.text


@pytest.mark.parametrize(
    "media_type",
    [None, "text/plain", "application/json; charset=latin-1", "multipart/form-data; boundary=x"],
    ids=["none", "text", "latin-1", "multipart"],
)
def test_another_media_type_is_refused(call: Any, media_type: str | None) -> None:
    headers = {"Content-Type": media_type} if media_type else {}

    refused = call("POST", "/v1/emails", content=b"{}", headers=headers)

    assert refused.status_code == 415
    assert refused.json()["type"] == "urn:postroom:problem:unsupported-media-type"


def test_a_key_used_twice_is_answered_with_the_first_email(
    call: Any, mail: dict[str, Any], outbox: Any
) -> None:
    header = {"Idempotency-Key": '"8e03978e"'}

    first = call("POST", "/v1/emails", json=mail, headers=header)
    again = call("POST", "/v1/emails", json={**mail, "idempotency_key": "8e03978e"})

    assert again.status_code == 202
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert len(outbox.published) == 1


def test_a_key_used_for_another_email_is_refused(call: Any, mail: dict[str, Any]) -> None:
    header = {"Idempotency-Key": "k"}
    first = call("POST", "/v1/emails", json=mail, headers=header).json()["id"]

    other = call("POST", "/v1/emails", json={**mail, "subject": "Another"}, headers=header)

    assert other.status_code == 422
    assert other.json()["type"] == "urn:postroom:problem:idempotency-key-reused"
    assert other.json()["id"] == first
    assert other.json()["code"] == 603


def test_a_header_that_contradicts_the_body_is_refused(call: Any, mail: dict[str, Any]) -> None:
    refused = call(
        "POST", "/v1/emails", json={**mail, "idempotency_key": "a"}, headers={"Idempotency-Key": "b"}
    )

    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/idempotency_key"]


def test_lane_and_moment_are_parameters_of_the_request(call: Any, mail: dict[str, Any], outbox: Any) -> None:
    accepted = call("POST", "/v1/emails?lane=reset&send_at=2030-01-31T12:00:00Z", json=mail)

    assert accepted.status_code == 202
    assert [lane for lane, _ in outbox.published] == [Lane.RESET]


@pytest.mark.parametrize(
    ("query", "name"),
    [("lane=urgent", "lane"), ("send_at=tomorrow", "send_at"), ("send_at=2030-01-31T12:00:00", "send_at")],
    ids=["lane", "no moment", "no offset"],
)
def test_a_wrong_parameter_is_named(call: Any, mail: dict[str, Any], query: str, name: str) -> None:
    refused = call("POST", f"/v1/emails?{query}", json=mail)

    assert refused.status_code == 422
    assert [error["parameter"] for error in refused.json()["errors"]] == [name]


@pytest.mark.parametrize(
    "wanted", ["/v1/emails/1f0c3ab0-1d1e-4c8e-9a4e-6f0d5c8f7a11", "/v1/emails/%00", "/v1/emails/%ff"]
)
def test_an_id_that_was_never_accepted_is_not_found(call: Any, wanted: str) -> None:
    assert call("GET", wanted).json()["type"] == "urn:postroom:problem:no-such-email"


def test_another_keys_email_is_answered_like_one_that_never_was(
    call: Any, other: Any, mail: dict[str, Any]
) -> None:
    mail_id = call("POST", "/v1/emails", json=mail).json()["id"]

    foreign = other("GET", f"/v1/emails/{mail_id}")
    unknown = other("GET", "/v1/emails/1f0c3ab0-1d1e-4c8e-9a4e-6f0d5c8f7a11")

    assert foreign.status_code == unknown.status_code == 404
    assert foreign.content == unknown.content
    assert set(foreign.headers) == set(unknown.headers)


def test_two_api_keys_may_use_the_same_idempotency_key(call: Any, other: Any, mail: dict[str, Any]) -> None:
    header = {"Idempotency-Key": "k"}

    mine = call("POST", "/v1/emails", json=mail, headers=header)
    theirs = other("POST", "/v1/emails", json={**mail, "subject": "Theirs"}, headers=header)

    assert theirs.status_code == 202
    assert theirs.json()["id"] != mine.json()["id"]


@pytest.mark.parametrize(
    "header",
    [
        None,
        "Bearer",
        "Bearer pr_000000000000_" + "A" * 43,
        "Basic dXNlcjpwYXNz",
        "Bearer ü",
    ],
    ids=["none", "empty", "unknown", "other scheme", "letters"],
)
def test_without_a_valid_key_nothing_is_done(call: Any, mail: dict[str, Any], header: str | None) -> None:
    headers = {"Authorization": header.encode("latin-1")} if header else {}

    refused = call.with_key("")("POST", "/v1/emails", json=mail, headers=headers)

    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer")


def test_a_secret_of_another_key_opens_nothing(call: Any, other: Any) -> None:
    mixed = call.key[:16] + other.key[16:]

    assert call.with_key(mixed)("GET", "/v1/emails/x").status_code == 401


def test_a_queue_that_is_away_is_said_with_when_to_come_back(
    call: Any, mail: dict[str, Any], outbox: Any
) -> None:
    outbox.is_away = True

    away = call("POST", "/v1/emails", json=mail)

    assert away.status_code == 503
    assert away.headers["retry-after"] == "5"
    assert away.json()["code"] == 640


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("PUT", "/v1/emails", "POST"), ("PATCH", "/v1/emails/x", "GET"), ("POST", "/healthz", "GET")],
)
def test_a_wrong_method_is_told_the_right_ones(call: Any, method: str, path: str, allowed: str) -> None:
    refused = call(method, path)

    assert refused.status_code == 405
    assert allowed in refused.headers["allow"].split(", ")
    assert refused.headers["content-type"] == "application/problem+json"


def test_each_resource_allows_the_methods_that_it_is_described_with_and_no_others(call: Any) -> None:
    described = call("GET", "/openapi.json").json()["paths"]
    # A path that stands for many is asked for one of them.
    allowed = {
        path: call("OPTIONS", re.sub(r"\{\w+\}", "x", path)).headers["allow"].lower().split(", ")
        for path in described
    }

    assert {path: set(methods) for path, methods in allowed.items()} == {
        path: set(operations) for path, operations in described.items()
    }


@pytest.mark.parametrize("path", ["/v1/emails/batch-1", "/v1/emails/xbatch", "/v1/emails/batch-1/resend"])
def test_an_id_that_only_begins_like_another_resource_is_an_id(call: Any, path: str) -> None:
    assert call("OPTIONS", path).headers["allow"] in {"DELETE, GET", "POST"}


def test_what_is_nowhere_is_a_problem_too(call: Any) -> None:
    missing = call("GET", "/v2/emails")

    assert missing.status_code == 404
    assert missing.json()["type"] == "urn:postroom:problem:not-found"
