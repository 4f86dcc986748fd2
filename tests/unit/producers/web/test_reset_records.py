"""The record of password resets over HTTP: for those who may read it, and never with a link."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from producers.errors import QueueUnavailable
from tasks.journal.audit import Asked, Audited

RECORDS = "/v1/password-resets"
NOON = datetime(2030, 1, 31, 12, tzinfo=UTC)
SENT = Audited(Asked("m1", "specified", "ann", actor="ben", ticket="T-1"), NOON, 250, "2.0.0 Ok", "<m1@x>")
PUBLIC = Audited(Asked("m2", "requester", "eve@example.org"), NOON)


def test_records_are_told_with_what_came_of_them(call: Any, resets: Any) -> None:
    resets.records = [SENT, PUBLIC]
    answer = call("GET", RECORDS)
    first, second = answer.json()["resets"]

    assert answer.status_code == 200
    assert "RateLimit" in answer.headers
    assert first == {
        "id": "m1",
        "at": "2030-01-31T12:00:00Z",
        "workflow": "specified",
        "user": "ann",
        "actor": "ben",
        "reason": None,
        "ticket": "T-1",
        "code": 250,
        "message": "2.0.0 Ok",
        "message_id": "<m1@x>",
    }
    assert (second["user"], second["actor"], second["code"]) == ("eve@example.org", None, None)


def test_the_query_is_passed_on(call: Any, resets: Any) -> None:
    call("GET", f"{RECORDS}?actor=ben&user=ann&ticket=T-1&limit=5")

    assert resets.asked == [("audit", {"actor": "ben", "target": "ann", "ticket": "T-1", "most": 5})]


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "user=" + "x" * 400])
def test_a_query_that_is_none_is_refused(query: str, call: Any, resets: Any) -> None:
    answer = call("GET", f"{RECORDS}?{query}")

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert resets.asked == []


@pytest.fixture
def other_fields() -> dict[str, Any]:
    return {"resets": ("users", "requests")}


def test_a_key_that_may_ask_for_resets_may_not_read_what_others_asked_for(other: Any, resets: Any) -> None:
    answer = other("GET", RECORDS)

    assert answer.status_code == 403
    assert "--resets audit" in answer.json()["detail"]
    assert resets.asked == []


def test_a_queue_that_is_away_is_told(call: Any, resets: Any) -> None:
    resets.failure = QueueUnavailable("away")

    assert call("GET", RECORDS).status_code == 503
