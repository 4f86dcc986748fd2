"""Cancelling emails, and sending them again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tasks.contract.result import Delivery, RecipientOutcome, RecipientState, SendEmailResult
from tasks.contract.status import MailState
from tasks.journal.journal import Journal
from tasks.journal.records import Claim
from tasks.journal.settlement import Settlement

if TYPE_CHECKING:
    from redis import Redis


def settle(redis: Redis, mail_id: str, state: MailState) -> None:
    [claim] = Journal(redis).begin([mail_id])
    assert isinstance(claim, Claim)
    delivery = Delivery(state)
    standing = {Delivery.SENT: RecipientState.SENT, Delivery.UNKNOWN: RecipientState.UNKNOWN}
    recipient = standing.get(delivery, RecipientState.REFUSED)
    result = SendEmailResult(
        success=delivery is Delivery.SENT,
        code=250,
        message="said the server",
        delivery=delivery,
        retryable=False,
        source="server",
        recipients=(RecipientOutcome(address="a***@example.org", state=recipient, code=250, message=""),),
    )
    Journal(redis).finish([Settlement.of(claim, state, result)])


@pytest.fixture
def mail_id(call: Any, mail: dict[str, Any]) -> str:
    return call("POST", "/v1/emails", json=mail).json()["id"]


def test_an_email_that_waits_is_cancelled_once_and_for_all(call: Any, mail_id: str) -> None:
    first = call("DELETE", f"/v1/emails/{mail_id}")
    again = call("DELETE", f"/v1/emails/{mail_id}")

    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert first.json()["state"] == "cancelled"
    assert first.json()["code"] == 650


@pytest.mark.parametrize(
    ("standing", "ending"), [("accepted", ("partial", 650)), ("suspect", ("unknown", 690))]
)
def test_an_email_that_some_have_got_is_cancelled_for_the_rest_and_says_so(
    call: Any, mail: dict[str, Any], redis: Redis, standing: str, ending: tuple[str, int]
) -> None:
    two = {**mail, "to": "ann@example.org; bob@example.org"}
    mail_id = call("POST", "/v1/emails", json=two).json()["id"]
    [claim] = Journal(redis).begin([mail_id])
    assert isinstance(claim, Claim)
    progress = json.dumps([[standing, 250, "ok", None], ["open", 451, "later", None]])
    Journal(redis).postpone(claim, wait=60.0, history="[]", progress=progress)

    answers = [call("DELETE", f"/v1/emails/{mail_id}") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert {(answer.json()["state"], answer.json()["code"]) for answer in answers} == {ending}
    assert answers[0].json()["message"].startswith("cancelled")


@pytest.mark.parametrize("state", [MailState.SENT, MailState.PARTIAL, MailState.UNKNOWN, MailState.NOT_SENT])
def test_an_email_that_had_ended_is_left_as_it_is(
    call: Any, mail_id: str, redis: Redis, state: MailState
) -> None:
    settle(redis, mail_id, state)

    refused = call("DELETE", f"/v1/emails/{mail_id}")

    assert refused.json()["type"] == "urn:postroom:problem:already-settled"
    assert refused.json()["state"] == state


def test_an_email_on_its_way_is_left_alone(call: Any, mail_id: str, redis: Redis) -> None:
    Journal(redis).begin([mail_id])

    refused = call("DELETE", f"/v1/emails/{mail_id}")

    assert refused.status_code == 409
    assert refused.json()["type"] == "urn:postroom:problem:already-on-its-way"
    assert refused.json()["state"] == "sending"


def test_a_sent_email_is_not_unsent(call: Any, mail_id: str, redis: Redis) -> None:
    settle(redis, mail_id, MailState.SENT)

    refused = call("DELETE", f"/v1/emails/{mail_id}")

    assert refused.status_code == 409
    assert refused.json()["type"] == "urn:postroom:problem:already-settled"


def test_an_email_that_was_not_sent_is_sent_again_under_its_id(
    call: Any, mail_id: str, mail: dict[str, Any], redis: Redis
) -> None:
    settle(redis, mail_id, MailState.NOT_SENT)

    answer = call("POST", f"/v1/emails/{mail_id}/resend", json=mail)

    assert answer.status_code == 202
    assert answer.json()["id"] == mail_id
    assert answer.json()["state"] == "queued"


def test_a_cancelled_email_may_be_sent_after_all(call: Any, mail_id: str, mail: dict[str, Any]) -> None:
    call("DELETE", f"/v1/emails/{mail_id}")

    assert call("POST", f"/v1/emails/{mail_id}/resend", json=mail).status_code == 202


@pytest.mark.parametrize(
    ("state", "changes", "query", "status", "kind"),
    [
        (None, {}, "", 409, "already-on-its-way"),
        (MailState.SENT, {}, "", 409, "already-settled"),
        (MailState.NOT_SENT, {"body": "other"}, "", 422, "parameters-differ"),
        (MailState.UNKNOWN, {}, "", 409, "would-double"),
        (MailState.UNKNOWN, {}, "?force=true", 202, None),
        (MailState.NOT_SENT, {"to": ""}, "", 422, "invalid-input"),
    ],
    ids=["on its way", "sent", "changed", "unknown", "forced", "invalid"],
)
def test_what_may_not_be_sent_again_is_said(  # noqa: PLR0913, PLR0917 (the columns of the table)
    call: Any,
    mail_id: str,
    mail: dict[str, Any],
    redis: Redis,
    state: MailState | None,
    changes: dict[str, Any],
    query: str,
    status: int,
    kind: str | None,
) -> None:
    if state:
        settle(redis, mail_id, state)

    answer = call("POST", f"/v1/emails/{mail_id}/resend{query}", json={**mail, **changes})

    assert answer.status_code == status
    assert kind is None or answer.json()["type"] == f"urn:postroom:problem:{kind}"


@pytest.mark.parametrize(("method", "path"), [("DELETE", ""), ("POST", "/resend")], ids=["cancel", "resend"])
def test_another_keys_email_cannot_be_touched(  # noqa: PLR0913, PLR0917 (two of them are the table's)
    call: Any, other: Any, mail_id: str, mail: dict[str, Any], method: str, path: str
) -> None:

    refused = other(method, f"/v1/emails/{mail_id}{path}", json=mail)

    assert refused.status_code == 404
    assert refused.json()["type"] == "urn:postroom:problem:no-such-email"
    assert call("GET", f"/v1/emails/{mail_id}").json()["state"] == "queued"
