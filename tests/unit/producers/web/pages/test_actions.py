"""Cancelling and sending again from a page: as the API does it."""

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


@pytest.fixture
def mail_id(call: Any, mail: dict[str, Any]) -> str:
    return call("POST", "/v1/emails", json=mail).json()["id"]


def fail(redis: Redis, mail_id: str, state: MailState = MailState.NOT_SENT) -> None:
    [claim] = Journal(redis).begin([mail_id])
    assert isinstance(claim, Claim)
    unknown = state is MailState.UNKNOWN
    standing = RecipientState.UNKNOWN if unknown else RecipientState.REFUSED
    recipient = RecipientOutcome(address="a***@example.org", state=standing, code=550, message="no")
    result = SendEmailResult(
        success=state is MailState.SENT,
        code=550,
        message="no",
        delivery=Delivery(state),
        retryable=False,
        source="server",
        recipients=(recipient,),
    )
    Journal(redis).finish([Settlement.of(claim, state, result)])


def state_of(call: Any, mail_id: str) -> str:
    return str(call("GET", f"/v1/emails/{mail_id}").json()["state"])


def test_an_email_that_waits_is_cancelled(operator: Any, call: Any, mail_id: str) -> None:
    assert "Cancel this email" in operator.get(f"/emails/{mail_id}").text
    answer = operator.post(f"/emails/{mail_id}/cancel")
    page = operator.get(answer.headers["location"])

    assert state_of(call, mail_id) == "cancelled"
    assert "nobody gets it who has not got it yet" in page.text
    assert "Cancel this email" not in page.text


def test_an_email_in_hand_is_left_alone_and_the_page_says_so(
    operator: Any, call: Any, mail_id: str, redis: Redis
) -> None:
    Journal(redis).begin([mail_id])
    answer = operator.post(f"/emails/{mail_id}/cancel")

    assert answer.status_code == 409
    assert "a worker is sending it" in answer.text
    assert state_of(call, mail_id) == "sending"


def test_an_email_that_was_not_sent_is_sent_again_with_its_parameters(
    operator: Any, call: Any, mail_id: str, mail: dict[str, Any], redis: Redis
) -> None:
    fail(redis, mail_id)
    assert "Send again" in operator.get(f"/emails/{mail_id}").text
    answer = operator.post(f"/emails/{mail_id}/resend", parameters=json.dumps(mail))

    assert answer.headers["location"] == f"/emails/{mail_id}?resent"
    assert state_of(call, mail_id) == "queued"


def test_a_sent_email_offers_no_second_time(operator: Any, mail_id: str, redis: Redis) -> None:
    fail(redis, mail_id, MailState.SENT)

    assert "Send again" not in operator.get(f"/emails/{mail_id}").text


def test_where_somebody_may_get_it_twice_a_box_must_be_ticked(
    operator: Any, call: Any, mail_id: str, mail: dict[str, Any], redis: Redis
) -> None:
    fail(redis, mail_id, MailState.UNKNOWN)
    parameters = json.dumps(mail)
    refused = operator.post(f"/emails/{mail_id}/resend", parameters=parameters)
    before = state_of(call, mail_id)
    operator.post(f"/emails/{mail_id}/resend", parameters=parameters, force="yes")

    assert refused.status_code == 409
    assert "somebody may get it twice" in refused.text
    assert 'name="force"' in refused.text
    assert (before, state_of(call, mail_id)) == ("unknown", "queued")


@pytest.mark.parametrize(
    ("parameters", "status", "text"),
    [
        ("", 400, "no JSON"),
        ("{", 400, "no JSON"),
        ('{"to": "ann@example.org", "subject": "s", "body": "other"}', 422, "not its parameters"),
        ('{"to": "ann", "subject": "", "body": "b", "x": 1}', 422, "Subject"),
        ("</textarea><script>", 400, "&lt;/textarea&gt;&lt;script&gt;"),
    ],
    ids=["empty", "broken", "other", "invalid", "hostile"],
)
def test_wrong_parameters_are_told_beside_what_was_typed(  # noqa: PLR0913, PLR0917 (the columns of the table)
    operator: Any, call: Any, mail_id: str, redis: Redis, parameters: str, status: int, text: str
) -> None:
    fail(redis, mail_id)
    answer = operator.post(f"/emails/{mail_id}/resend", parameters=parameters)

    assert answer.status_code == status
    assert text in answer.text
    assert "<details" in answer.text
    assert " open>" in answer.text
    assert state_of(call, mail_id) == "not_sent"


@pytest.mark.parametrize("action", ["cancel", "resend"])
def test_without_the_forms_own_token_nothing_happens(
    operator: Any, call: Any, mail_id: str, mail: dict[str, Any], action: str
) -> None:
    operator.form = ""
    answer = operator.post(f"/emails/{mail_id}/{action}", parameters=json.dumps(mail))

    assert answer.status_code == 403
    assert state_of(call, mail_id) == "queued"


@pytest.mark.parametrize("action", ["cancel", "resend"])
def test_who_is_not_signed_in_changes_nothing(visitor: Any, call: Any, mail_id: str, action: str) -> None:
    answer = visitor.post(f"/emails/{mail_id}/{action}")

    assert answer.status_code == 401
    assert 'href="/emails/sign-in"' in answer.text
    assert state_of(call, mail_id) == "queued"
