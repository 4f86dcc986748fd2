"""Results on their way into the journal: written, reported, and no lease renewed in vain."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import fakeredis
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from tasks.contract.parameters import SendEmail
from tasks.contract.status import MailState
from tasks.deadline import Deadline
from tasks.delivery import results as module
from tasks.delivery.job import Job, LeftAlone, Settled
from tasks.delivery.mail import Mail
from tasks.delivery.results import Results
from tasks.delivery.retry import RetryPolicy
from tasks.failures import Receipt, Reply
from tasks.journal.entries import Entry
from tasks.journal.journal import Journal
from tasks.journal.records import Claim

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tasks.delivery.job import Verdict

_REQUEST = SendEmail.model_validate({"to": "ann@example.org", "subject": "s", "body": "b"})


class Office:
    """A journal with mails in hand, and what is told of them, in order."""

    def __init__(self, redis: fakeredis.FakeRedis) -> None:
        self.journal = Journal(redis)
        self.told: list[Any] = []
        self.results = Results(self.journal, cast("Any", self), self.report)

    def let_go(self, claims: Iterable[Claim], *, is_left: bool = False) -> None:
        """Note whose leases are not renewed any more, in the place of a `LeaseKeeper`."""
        self.told += [f"{'leave' if is_left else 'let go'} {claim.mail_id}" for claim in claims]

    def report(self, job: Job, verdict: Verdict) -> None:
        """Note a verdict."""
        self.told.append((job.mail_id, type(verdict)))

    def sent(self, mail_id: str) -> Mail:
        """Return a mail in hand that its server has accepted."""
        self.journal.accept([Entry.of(mail_id, "default", _REQUEST)])
        [claim] = self.journal.begin([mail_id])
        assert isinstance(claim, Claim)
        mail = Mail(Job(mail_id, "default", {}), claim, Deadline.after(60.0), lambda: 1000.0, 1000.0)
        mail.open(_REQUEST)
        mail.absorb(Receipt(Reply(250, "Ok")), RetryPolicy())
        return mail

    def states(self, *mail_ids: str) -> list[MailState | None]:
        """Return where mails stand in the journal."""
        return [record and record.state for record in self.journal.look_up(mail_ids)]


@pytest.fixture
def office() -> Iterator[Office]:
    """An office with an empty journal."""
    with fakeredis.FakeRedis() as redis:
        yield Office(redis)


def test_a_result_is_written_and_its_lease_let_go_before_it_is_reported(office: Office) -> None:
    office.results.add(office.sent("m1"), office.sent("m2"))
    office.results.write()

    assert office.states("m1", "m2") == [MailState.SENT, MailState.SENT]
    assert office.told == ["let go m1", "let go m2", ("m1", Settled), ("m2", Settled)]


def test_results_go_along_with_the_mark_of_the_mail_behind_them_once(office: Office) -> None:
    office.results.add(office.sent("m1"))
    behind = office.sent("m2")

    assert list(office.results.write_and_mark([behind.claim], [behind.covered()])) == [True]
    office.results.write()

    assert office.told == ["let go m1", ("m1", Settled)]
    assert office.states("m1", "m2") == [MailState.SENT, MailState.SENDING]


def test_a_mark_that_fails_leaves_the_results_to_be_written_later(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise RedisConnectionError

    office.results.add(office.sent("m1"))
    with monkeypatch.context() as patch:
        patch.setattr(office.journal, "finish_and_mark", away)
        with pytest.raises(RedisConnectionError):
            office.results.write_and_mark([], [])
    assert office.told == []
    office.results.write()

    assert office.told == ["let go m1", ("m1", Settled)]


def test_a_result_that_cannot_be_written_is_left_in_the_logbook(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_write: object) -> None:
        raise RedisConnectionError

    monkeypatch.setattr(module, "persistently", away)
    office.results.add(office.sent("m1"))
    with pytest.raises(RedisConnectionError):
        office.results.write()

    assert office.told == ["leave m1", ("m1", LeftAlone)]


def test_the_mail_of_another_worker_is_left_alone_and_its_lease_is_not_renewed(office: Office) -> None:
    office.results.leave_alone(office.sent("m1"))

    assert office.told == ["let go m1", ("m1", LeftAlone)]


def test_the_logbook_hears_of_outcomes_at_once_and_of_a_dot_before_it_may_go_out(office: Office) -> None:
    heard: list[str] = []
    logbook: Any = SimpleNamespace(
        settle=lambda settled: heard.extend(f"settled {each.claim.mail_id}" for each in settled),
        send_dots=lambda claims: heard.extend(f"dot {claim.mail_id}" for claim in claims),
        keep_open=lambda claim, _: heard.append(f"open {claim.mail_id}"),
    )
    results = Results(office.journal, cast("Any", office), office.report, logbook)
    sent, behind = office.sent("m1"), office.sent("m2")
    lost = behind.claim._replace(mail_id="m3")

    results.add(sent)
    assert heard == ["settled m1"]
    results.write_and_mark([behind.claim, lost], [behind.covered(), ""])
    results.keep_open(behind)
    assert heard == ["settled m1", "dot m2", "open m2"]


def test_results_are_overdue_only_while_they_wait(office: Office) -> None:
    assert not office.results.is_overdue(-1.0)
    office.results.add(office.sent("m1"))
    assert office.results.is_overdue(-1.0)
    assert not office.results.is_overdue(60.0)
    office.results.write()
    assert not office.results.is_overdue(-1.0)
