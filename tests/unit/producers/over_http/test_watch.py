"""What is told of the newest emails, at a gateway made of a list."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from producers.errors import KeyRejected
from producers.over_http.replies import Reply
from producers.over_http.watch import Watch
from producers.tailing import Wanted
from tasks.contract.names import Lane
from tasks.contract.status import MailState

if TYPE_CHECKING:
    from producers.over_http.tries import Ask
    from producers.tailing import Happened

KEY = SecretStr("pr_0123456789ab_" + "s" * 43)
BEGIN = datetime(2030, 1, 31, 12, tzinfo=UTC)


class Gateway:
    """Lists its emails as a gateway does; *asked* counts the requests."""

    def __init__(self) -> None:
        self.emails: list[dict[str, Any]] = []
        self.asked = 0
        self.refuses = False
        self._numbers = itertools.count(1)

    def accept(self, count: int = 1, *, state: str = "sent", lane: str = "default") -> list[str]:
        ids = [f"m-{next(self._numbers)}" for _ in range(count)]
        for mail_id in ids:
            at = BEGIN + timedelta(seconds=len(self.emails))
            self.emails.insert(
                0, {"id": mail_id, "state": state, "lane": lane, "accepted_at": at.isoformat(), "new": 1}
            )
        return ids

    def become(self, mail_id: str, state: str) -> None:
        next(each for each in self.emails if each["id"] == mail_id)["state"] = state

    def ask(self, ask: Ask) -> Reply:
        self.asked += 1
        if self.refuses:
            problem = {"type": "urn:postroom:problem:unauthorized", "detail": "no"}
            return Reply(401, {}, json.dumps(problem).encode())
        query = ask.options["params"]
        begin = int(query.get("cursor", 0))
        end = begin + int(query["limit"])
        page = {"emails": self.emails[begin:end], "next": str(end) if end < len(self.emails) else None}
        return Reply(200, {}, json.dumps(page).encode())

    def close(self) -> None:
        """Close nothing."""


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Gateway:
    found = Gateway()
    monkeypatch.setattr("producers.over_http.watch.Line", lambda *_: found)
    return found


def watch(wanted: Wanted | None = None) -> Watch:
    return Watch("https://post.example.com", KEY, wanted or Wanted())


def told(happened: list[Happened]) -> list[tuple[str, str]]:
    return [(each.record.mail_id, each.record.state.value) for each in happened]


def test_it_begins_with_the_last_ones_and_goes_on_with_what_changes(gateway: Gateway) -> None:
    [*_, one, two] = gateway.accept(5, state="queued")
    watching = watch()
    last, is_whole = watching.last(2)
    quiet = watching.news()
    gateway.become(one, "sent")
    [new] = gateway.accept(state="queued")

    assert (told(last), is_whole) == ([(one, "queued"), (two, "queued")], True)
    assert (quiet.happened, quiet.gaps) == ([], ())
    assert told(watching.news().happened) == [(one, "sent"), (new, "queued")]
    assert watching.news().happened == []


def test_only_what_was_chosen_is_told_and_looked_for(gateway: Gateway) -> None:
    [chosen] = gateway.accept(state="not_sent", lane="reset")
    gateway.accept(150)
    watching = watch(Wanted(frozenset({Lane.RESET}), frozenset({MailState.NOT_SENT})))
    last, _ = watching.last(1)
    gateway.accept(state="not_sent")
    [new] = gateway.accept(state="not_sent", lane="reset")

    assert told(last) == [(chosen, "not_sent")]
    assert told(watching.news().happened) == [(new, "not_sent")]


def test_a_look_is_one_request_unless_something_older_waits(gateway: Gateway) -> None:
    [waiting] = gateway.accept(state="queued")
    gateway.accept(50)
    watching = watch()
    watching.last(1)
    gateway.accept(300)
    far = watching.news()
    gateway.become(waiting, "sent")
    gateway.accept(1)
    last = watching.news()
    after = watching.news()

    assert (far.pages, len(far.happened)) == (4, 300)
    assert (waiting, "sent") in told(last.happened)
    assert (last.pages, after.pages) == (4, 1)


def test_what_was_there_before_is_no_news_however_far_a_look_goes(gateway: Gateway) -> None:
    gateway.accept(400)
    watching = watch()
    watching.last(1)
    gateway.accept(90, state="queued")
    watching.news()

    assert told(watching.news().happened) == []


def test_what_a_look_cannot_reach_is_said_once(gateway: Gateway) -> None:
    gateway.accept(2, state="queued")
    watching = watch()
    watching.last(0)
    gateway.accept(600)
    look = watching.news()

    assert (look.pages, len(look.happened)) == (5, 500)
    assert look.gaps == (
        "more emails came than the 500 that a look takes; some are not shown",
        "2 that wait are older than the newest 500; what becomes of them is not shown",
    )
    assert (watching.news().gaps, watching.news().pages) == ((), 1)


def test_the_search_for_the_last_ones_has_an_end(gateway: Gateway) -> None:
    gateway.accept(1200)

    assert watch(Wanted(states=frozenset({MailState.UNKNOWN}))).last(10) == ([], False)
    assert gateway.asked == 10


def test_a_key_that_is_none_is_told(gateway: Gateway) -> None:
    gateway.refuses = True

    with pytest.raises(KeyRejected):
        watch().last(1)
