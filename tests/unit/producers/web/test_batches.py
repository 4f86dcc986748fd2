"""Handing many emails in with one request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tasks.contract.names import Lane

if TYPE_CHECKING:
    from collections.abc import Callable


def test_each_email_of_a_batch_has_its_own_outcome_in_its_place(
    call: Any, mail: dict[str, Any], outbox: Any
) -> None:
    batch = [mail, {**mail, "to": "nobody"}, {**mail, "subject": "Another"}]

    answer = call("POST", "/v1/emails/batch", json=batch)

    outcomes = answer.json()["outcomes"]
    assert answer.status_code == 202
    assert (answer.json()["accepted"], answer.json()["refused"]) == (2, 1)
    assert [outcome["status"] for outcome in outcomes] == [202, 422, 202]
    assert outcomes[1]["problem"]["errors"][0]["pointer"] == "/1/to"
    assert [lane for lane, _ in outbox.published] == [Lane.BULK, Lane.BULK]
    assert call("GET", outcomes[2]["email"]["location"]).json()["state"] == "queued"


def test_a_batch_repeated_with_its_key_finds_every_email_again(
    call: Any, mail: dict[str, Any], outbox: Any
) -> None:
    batch = [mail, {**mail, "subject": "Another"}, {**mail, "subject": "Third", "idempotency_key": "own"}]
    header = {"Idempotency-Key": "monday"}

    first = call("POST", "/v1/emails/batch", json=batch, headers=header).json()
    again = call("POST", "/v1/emails/batch", json=batch, headers=header).json()

    assert again == first
    assert len(outbox.published) == 3


def test_a_changed_email_of_a_repeated_batch_is_a_conflict_in_its_place(
    call: Any, mail: dict[str, Any]
) -> None:
    header = {"Idempotency-Key": "monday"}
    call("POST", "/v1/emails/batch", json=[mail, mail], headers=header)

    again = call("POST", "/v1/emails/batch", json=[mail, {**mail, "body": "changed"}], headers=header).json()

    assert [outcome["status"] for outcome in again["outcomes"]] == [202, 422]
    assert again["outcomes"][1]["problem"]["type"] == "urn:postroom:problem:idempotency-key-reused"


def test_a_batch_of_which_nothing_is_accepted_is_refused(call: Any, outbox: Any) -> None:
    refused = call("POST", "/v1/emails/batch", json=[{"to": "x"}, 7])

    assert refused.status_code == 422
    assert [outcome["status"] for outcome in refused.json()["outcomes"]] == [422, 422]
    assert outbox.published == []


@pytest.mark.parametrize(
    "body", ["[]", "{}", '"x"', "null", "[{}, {}, {}, {}]"], ids=["empty", "object", "text", "null", "long"]
)
def test_what_is_no_list_of_emails_is_refused_as_a_whole(
    settings: dict[str, Any], request: pytest.FixtureRequest, body: str
) -> None:
    settings["max_batch"] = 3
    call: Callable[..., Any] = request.getfixturevalue("call")

    refused = call("POST", "/v1/emails/batch", content=body, headers={"Content-Type": "application/json"})

    assert refused.status_code == 422
    assert "1 to 3 emails" in refused.json()["detail"]


def test_a_batch_takes_as_much_of_the_rate_as_it_has_emails(
    other_fields: dict[str, Any], request: pytest.FixtureRequest, mail: dict[str, Any]
) -> None:
    other_fields.update(rate=0.001, burst=3)
    hasty = request.getfixturevalue("other")

    first = hasty("POST", "/v1/emails/batch", json=[mail, {**mail, "subject": "2"}])
    second = hasty("POST", "/v1/emails/batch", json=[mail, {**mail, "subject": "2"}])

    assert first.headers["ratelimit"].startswith('"requests";r=1;')
    assert first.headers["ratelimit-policy"] == '"requests";q=3;w=3000'
    assert second.status_code == 429
    assert int(second.headers["retry-after"]) == 1000
