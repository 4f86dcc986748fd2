"""The list of a key's emails, and the page of one."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tasks.contract.result import Attempt, Delivery, RecipientOutcome, RecipientState, SendEmailResult
from tasks.contract.status import MailState
from tasks.journal.journal import Journal
from tasks.journal.records import Claim
from tasks.journal.settlement import Settlement

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

HOSTILE = '<script>alert("x")</script>'


@pytest.fixture
def mail_id(call: Any, mail: dict[str, Any]) -> str:
    fields = {**mail, "metadata": {"reference": "order-1"}}
    return call("POST", "/v1/emails", json=fields).json()["id"]


@pytest.fixture
def settle(redis: Redis) -> Callable[..., None]:
    """Gives an email its result."""

    def finish(mail_id: str, state: MailState, message: str = "2.0.0 Ok", code: int = 250) -> None:
        [claim] = Journal(redis).begin([mail_id])
        assert isinstance(claim, Claim)
        outcome = RecipientOutcome(
            address="a***@example.org", state=RecipientState.REFUSED, code=code, message=message
        )
        result = SendEmailResult(
            success=state is MailState.SENT,
            code=code,
            message=message,
            delivery=Delivery(state),
            retryable=False,
            source="server",
            attempts=(Attempt(at=datetime.now(UTC), code=code, message=message),),
            recipients=(outcome,),
            metadata={"reference": "order-1", "note": message},
        )
        Journal(redis).finish([Settlement.of(claim, state, result)])

    return finish


def links(page: str) -> list[str]:
    """Return the ids of the emails in a list."""
    return [part.partition('"')[0] for part in page.split('href="/emails/')[1:]]


def test_the_list_is_the_keys_own_newest_first(
    operator: Any, call: Any, other: Any, mail: dict[str, Any]
) -> None:
    ids = [call("POST", "/v1/emails", json={**mail, "subject": f"{n}"}).json()["id"] for n in range(3)]
    other("POST", "/v1/emails", json=mail)

    assert links(operator.get("/emails").text) == ids[::-1]


def test_a_list_of_many_goes_on_on_the_next_page(operator: Any, call: Any, mail: dict[str, Any]) -> None:
    batch = [{**mail, "subject": str(number)} for number in range(30)]
    call("POST", "/v1/emails/batch", json=batch)
    first = operator.get("/emails")
    older = first.text.partition('href="/emails?cursor=')[2].partition('"')[0]
    second = operator.get(f"/emails?cursor={older}")

    assert (len(links(first.text)), len(links(second.text))) == (25, 5)
    assert not set(links(first.text)) & set(links(second.text))
    assert "Older" not in second.text
    assert "Newest" in second.text


def test_an_id_leads_to_its_email(operator: Any, mail_id: str) -> None:
    found = operator.get(f"/emails?search=%20{mail_id.upper()}%20")

    assert (found.status_code, found.headers["location"]) == (303, f"/emails/{mail_id}")


def test_emails_are_found_by_reference_and_state(
    operator: Any, call: Any, mail_id: str, mail: dict[str, Any]
) -> None:
    call("POST", "/v1/emails", json=mail)
    call("DELETE", f"/v1/emails/{mail_id}")

    assert links(operator.get("/emails?search=order-1").text) == [mail_id]
    assert links(operator.get("/emails?state=cancelled").text) == [mail_id]
    assert links(operator.get("/emails?search=order-1&state=queued").text) == []


@pytest.mark.parametrize(
    ("query", "status", "text"),
    [
        ("", 200, "No emails yet"),
        ("?search=order-2", 200, "No email is like that"),
        ("?state=sent&cursor=x", 200, "No email is like that"),
        ("?state=lost", 422, "There is no such state"),
        (f"?search={'x' * 201}", 422, "at most 200 characters"),
    ],
    ids=["nothing", "no such", "cursor", "state", "long"],
)
def test_an_empty_list_says_what_to_do(operator: Any, query: str, status: int, text: str) -> None:
    answer = operator.get(f"/emails{query}")

    assert answer.status_code == status
    assert text in answer.text


def test_what_is_searched_for_is_shown_as_text(operator: Any) -> None:
    answer = operator.get("/emails?search=%22%3E%3Cscript%3E")

    assert '"><script>' not in answer.text
    assert "&#34;&gt;&lt;script&gt;" in answer.text


def test_a_settled_email_has_its_outputs_recipients_and_attempts(
    operator: Any, mail_id: str, settle: Callable[..., None]
) -> None:
    settle(mail_id, MailState.NOT_SENT, "5.1.1 No such user", 550)
    page = operator.get(f"/emails/{mail_id}").text

    for shown in (
        "Not sent",
        "false",
        "550",
        "5.1.1 No such user",
        "a***@example.org",
        "Attempt 1",
        "order-1",
    ):
        assert shown in page
    assert "http-equiv" not in page


def test_whatever_a_server_says_is_shown_as_text(
    operator: Any, mail_id: str, settle: Callable[..., None]
) -> None:
    settle(mail_id, MailState.NOT_SENT, HOSTILE, 550)

    for path in ("/emails", f"/emails/{mail_id}"):
        page = operator.get(path).text
        assert "<script" not in page
        assert "&lt;script&gt;" in page


def test_a_retried_email_has_all_its_attempts_and_the_time_of_the_next(
    operator: Any, mail_id: str, redis: Redis
) -> None:
    [claim] = Journal(redis).begin([mail_id])
    assert isinstance(claim, Claim)
    history = [{"at": f"2026-01-01T00:00:0{n}Z", "code": 451, "message": f"later {n}"} for n in range(2)]
    Journal(redis).postpone(claim, wait=90.0, history=json.dumps(history), progress="[]")
    page = operator.get(f"/emails/{mail_id}").text

    for shown in ("Retrying", "Attempt 1", "later 0", "Attempt 2", "later 1", "Next attempt", "in 1 minute"):
        assert shown in page


def test_an_email_for_later_says_when_it_is_due(operator: Any, call: Any, mail: dict[str, Any]) -> None:
    later = call("POST", "/v1/emails?send_at=2099-01-01T00:00:00Z", json=mail).json()["id"]
    page = operator.get(f"/emails/{later}").text

    for shown in ("It waits until it is due.", "To be sent", "not before"):
        assert shown in page
    assert re.search(r"in 5\d seconds", page)


@pytest.mark.parametrize("tried", [False, True], ids=["first", "again"])
def test_an_email_in_hand_says_what_is_known_of_it(
    operator: Any,
    mail_id: str,
    redis: Redis,
    tried: bool,  # noqa: FBT001 (a column)
) -> None:
    [claim] = Journal(redis).begin([mail_id])
    assert isinstance(claim, Claim)
    history = '[{"at":"2026-01-01T00:00:00Z","code":451,"message":"later"}]' if tried else "[]"
    Journal(redis).record(claim, history=history, progress="[]")

    assert ("due now, or under way" if tried else "a worker has it") in operator.get(
        f"/emails/{mail_id}"
    ).text


def test_an_email_that_is_not_final_loads_itself_again_until_told_not_to(operator: Any, mail_id: str) -> None:
    page = operator.get(f"/emails/{mail_id}").text
    quiet = operator.get(f"/emails/{mail_id}?stay").text

    assert f'<meta http-equiv="refresh" content="2;url=/emails/{mail_id}?again">' in page
    assert "http-equiv" not in quiet


def test_an_old_email_loads_itself_more_seldom(operator: Any, mail_id: str, redis: Redis) -> None:
    redis.hincrby(f"postroom:mail:{mail_id}", "accepted", -3_600_000)

    assert 'content="60;' in operator.get(f"/emails/{mail_id}").text


@pytest.mark.parametrize("mail", ["x", "0b7d6f0e-0000-4000-8000-000000000000", "%3Cscript%3E"])
def test_an_email_that_is_not_there_is_a_page_that_says_so(operator: Any, mail: str) -> None:
    answer = operator.get(f"/emails/{mail}")

    assert answer.status_code == 404
    assert "There is no such email" in answer.text
    assert "<script>" not in answer.text


def test_another_keys_email_is_not_there(
    visitor: Any, keys: tuple[str, str], mail_id: str, mail: dict[str, Any]
) -> None:
    visitor.sign_in(keys[1])

    assert visitor.get(f"/emails/{mail_id}").status_code == 404
    assert visitor.post(f"/emails/{mail_id}/cancel").status_code == 404
    assert visitor.post(f"/emails/{mail_id}/resend", parameters=json.dumps(mail)).status_code == 404


def test_looking_counts_as_it_does_over_the_api(visitor: Any, key_file: Any) -> None:
    _, token = key_file.create(name="slow", rate=0.001, burst=2)
    visitor.sign_in(str(token))
    answers = [visitor.get("/emails") for _ in range(3)]

    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) > 1
    assert "<h1>Too many requests</h1>" in answers[-1].text
