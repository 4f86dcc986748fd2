"""What a tail tells, from a journal in this process."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import fakeredis
import pytest

from producers import tailing
from producers.tailing import Tail, Wanted
from tasks.contract.names import Lane
from tasks.contract.result import Delivery, SendEmailResult
from tasks.contract.status import MailState
from tasks.contract.validation import parse
from tasks.journal.entries import Entry
from tasks.journal.journal import Journal
from tasks.journal.records import Claim
from tasks.journal.settlement import Settlement

if TYPE_CHECKING:
    from collections.abc import Iterator

MAIL = parse({"to": "ann@example.org", "subject": "s", "body": "b"})
DONE = datetime(2030, 1, 31, 12, tzinfo=UTC)


class Mails:
    """Accepts mails, and takes them up and settles them as a worker does."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._numbers = itertools.count(1)

    def accept(self, count: int = 1, lane: str = "default") -> list[str]:
        ids = [f"m-{next(self._numbers)}" for _ in range(count)]
        self._journal.accept([Entry.of(mail_id, lane, MAIL) for mail_id in ids])
        return ids

    def begin(self, mail_id: str) -> Claim:
        [claim] = self._journal.begin([mail_id])
        assert isinstance(claim, Claim)
        return claim

    def settle(self, mail_id: str) -> None:
        result = SendEmailResult(
            success=True,
            code=250,
            message="ok",
            delivery=Delivery.SENT,
            retryable=False,
            source="server",
            finished_at=DONE,
        )
        self._journal.finish([Settlement.of(self.begin(mail_id), MailState.SENT, result)])


@pytest.fixture
def redis(monkeypatch: pytest.MonkeyPatch) -> Iterator[fakeredis.FakeRedis]:
    with fakeredis.FakeRedis() as client:
        monkeypatch.setattr(tailing, "connect", lambda _: client)
        yield client


@pytest.fixture
def mails(redis: fakeredis.FakeRedis) -> Mails:
    return Mails(Journal(redis))


def tail(lane: str = "", state: str = "") -> Tail:
    return Tail(
        "redis://",
        Wanted(frozenset({Lane(lane)} if lane else ()), frozenset({MailState(state)} if state else ())),
    )


def told(mail: Tail, *mail_ids: str) -> list[tuple[str, str]]:
    return [(each.record.mail_id, each.record.state.value) for each in mail.news(mail_ids)]


def test_the_last_mails_come_first_and_oldest_first(mails: Mails) -> None:
    ids = mails.accept(30)
    found, is_whole = tail().last(3)

    assert {each.record.mail_id for each in found} <= set(ids)
    assert len(found) == 3
    assert is_whole
    assert [each.at for each in found] == sorted(each.at for each in found)
    assert tail().last(0) == ([], True)


def test_each_change_of_a_mail_is_told_once(mails: Mails) -> None:
    [mail_id] = mails.accept()
    looking = tail()
    found = [*told(looking, mail_id), *told(looking, mail_id)]
    mails.begin(mail_id)
    found += [*told(looking, mail_id), *told(looking, mail_id, "gone")]

    assert found == [(mail_id, "queued"), (mail_id, "sending")]


def test_what_was_told_as_one_of_the_last_is_not_told_again(mails: Mails) -> None:
    [mail_id] = mails.accept()
    looking = tail()
    looking.last(10)

    assert told(looking, mail_id) == []


def test_a_settled_mail_stands_at_the_moment_of_its_result(mails: Mails) -> None:
    [mail_id] = mails.accept()
    mails.settle(mail_id)

    assert [each.at for each in tail().news([mail_id])] == [DONE]


def test_lanes_and_states_choose(mails: Mails) -> None:
    [reset], [bulk] = mails.accept(lane="reset"), mails.accept(lane="bulk")
    mails.settle(bulk)

    assert [each.record.mail_id for each in tail(lane="reset").last(10)[0]] == [reset]
    assert told(tail(state="sent"), reset, bulk) == [(bulk, "sent")]
    assert told(tail(lane="reset", state="sent"), reset, bulk) == []


def test_no_more_is_remembered_than_a_few_thousand_mails(
    mails: Mails, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tailing, "_REMEMBERED", 3)
    ids = mails.accept(5)
    looking = tail()

    assert len(told(looking, *ids)) == 5
    assert [mail_id for mail_id, _ in told(looking, *reversed(ids))] == ids[1::-1]


def test_a_search_that_takes_too_long_ends_and_says_so(mails: Mails, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tailing, "_A_LOOK", 5)
    mails.accept(20)
    moments = itertools.count(step=1.5)
    found, is_whole = tail().last(20, clock=lambda: float(next(moments)))

    assert 0 < len(found) < 20
    assert not is_whole
