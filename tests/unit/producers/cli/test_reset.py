"""`postroom reset`, with resets that are made of lists."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from producers.cli import connection
from producers.errors import QueueUnavailable, TooManyResets
from tasks.contract.password_reset import parse_password_reset
from tasks.contract.status import MailState
from tasks.journal.audit import Asked, Audited

if TYPE_CHECKING:
    from collections.abc import Iterator

NOON = datetime(2030, 1, 31, 12, tzinfo=UTC)


@dataclass
class FakeResets:
    """What the commands need of `Resets`."""

    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    records: list[Audited] = field(default_factory=list)
    failure: Exception | None = None

    def for_user(self, user: str, **options: Any) -> str:
        known = {k: v for k, v in options.items() if k != "lane"}
        parse_password_reset({"workflow": "specified", "user": user, **known})
        return self._note("user", user=user, **options)

    def for_requester(self, identifier: str, **options: Any) -> str:
        return self._note("request", user=identifier, **options)

    def completed(self, user: str, **options: Any) -> str:
        return self._note("completed", user=user, **options)

    def audit(self, **query: Any) -> list[Audited]:
        self._note("audit", **query)
        return self.records

    def _note(self, what: str, **options: Any) -> str:
        if self.failure:
            raise self.failure
        self.asked.append((what, {name: value for name, value in options.items() if value is not None}))
        return "id-1"


@pytest.fixture
def resets(monkeypatch: pytest.MonkeyPatch) -> FakeResets:
    fake = FakeResets()

    @contextmanager
    def lend(*_: object) -> Iterator[FakeResets]:
        yield fake

    monkeypatch.setattr(connection, "resets", lend)
    return fake


def test_a_reset_is_asked_for_with_all_that_is_said_of_it(postroom: Any, resets: FakeResets) -> None:
    code, out, _ = postroom("reset", "user", "ann", "--actor", "ben", "--ticket", "T-1", "--ttl", "600")

    assert (code, out) == (0, "id-1  queued\n")
    [(what, options)] = resets.asked
    assert (what, options["user"], options["actor"], options["ticket"]) == ("user", "ann", "ben", "T-1")
    assert (options["ttl"], options["lane"]) == (600, "reset")


def test_the_outcome_is_waited_for_where_it_is_asked_for(
    postroom: Any, resets: FakeResets, mailer: Any
) -> None:
    mailer.states = {"id-1": MailState.NOT_SENT}
    code, out, _ = postroom("reset", "user", "ann", "--actor", "ben", "--wait")

    assert code == 1
    assert out.startswith("id-1  not_sent")
    assert resets.asked


def test_a_public_request_and_a_completed_change_are_asked_for(postroom: Any, resets: FakeResets) -> None:
    assert postroom("reset", "request", "a@x.org", "--source", "form")[0] == 0
    assert postroom("reset", "completed", "ann", "--locale", "de")[0] == 0
    assert resets.asked == [
        ("request", {"user": "a@x.org", "source": "form", "locale": "en"}),
        ("completed", {"user": "ann", "locale": "de"}),
    ]


@pytest.mark.parametrize(
    ("failure", "code", "name"),
    [
        (TooManyResets("user", 60.0), 2, "too_many_resets"),
        (QueueUnavailable("the queue cannot be reached"), 5, "queue_unavailable"),
    ],
    ids=["limit", "away"],
)
def test_what_stops_a_reset_is_told(
    failure: Exception, code: int, name: str, postroom: Any, resets: FakeResets
) -> None:
    resets.failure = failure
    told = postroom("reset", "user", "ann", "--actor", "ben", "--json")

    assert (told[0], told[1]["error"]["code"]) == (code, name)


def test_a_wrong_field_is_named(postroom: Any, resets: FakeResets) -> None:
    code, _, err = postroom("reset", "user", "ann", "--actor", "ben", "--ttl", "1")

    assert code == 2
    assert "Ttl: is no lifetime of a link; must be 60-86400 whole seconds" in err
    assert resets.asked == []


def test_the_record_is_shown_as_a_table_and_as_json(postroom: Any, resets: FakeResets) -> None:
    asked = Asked("id-1", "specified", "ann", actor="ben", ticket="T-1")
    resets.records = [Audited(asked, NOON, 250, "2.0.0 Ok", "<id-1@x>")]
    table = postroom("reset", "audit", "--actor", "ben")[1]
    [document] = postroom("reset", "audit", "--json")[1]

    assert "2030-01-31 12:00:00  specified  ann" in table
    assert (document["user"], document["ticket"], document["code"]) == ("ann", "T-1", 250)
    assert resets.asked[0] == ("audit", {"actor": "ben", "most": 100})
