"""A journal that stays away after a server's "not now" leaves nobody in doubt, and nobody two copies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import fakeredis
import pytest
from redis.backoff import NoBackoff
from redis.retry import Retry

from tasks.contract.codes import Phase
from tasks.contract.result import Delivery
from tasks.delivery import pending as module
from tasks.delivery.job import Job, LeftAlone, Settled
from tasks.delivery.pending import Pending
from tasks.delivery.retry import persistently
from tasks.failures import Receipt, Reply, TransientFailure
from tasks.journal.journal import Journal
from tasks.journal.leases import LeaseKeeper
from tasks.journal.logbook.logbook import Logbook
from tasks.journal.logbook.recovery import Recovery
from tasks.journal.logbook.shelf import Shelf
from tasks.journal.records import Claim, Grip

if TYPE_CHECKING:
    from pathlib import Path

    from tasks.delivery.job import Verdict
    from tasks.failures import Answer
    from tests.unit.tasks.delivery.conftest import Desk

ANN, BOB = "ann@example.org", "bob@example.org"
OK, LATER = Reply(250, "Ok"), Reply(451, "greylisted", "4.7.1")
NOT_NOW = TransientFailure(LATER, Phase.FINAL)


@dataclass
class Office:
    """A worker whose journal goes away with the dot, and its machine's logbooks."""

    desk: Desk
    server: fakeredis.FakeServer
    shelf: Shelf
    is_away_next: bool = True

    def __post_init__(self) -> None:
        self.desk.redis = fakeredis.FakeRedis(server=self.server, retry=Retry(NoBackoff(), 0))
        self.desk.lease = 0.0
        self.desk.transport.on_submit = self._go_away

    def _go_away(self) -> None:
        self.server.connected = not self.is_away_next

    def deliver(self) -> Verdict:
        """Deliver the mail in a process of its own; what it is still to tell the journal is in vain."""
        logbook = Logbook(self.shelf)
        # With the lease of a real one, or its thread would renew without a pause.
        leases = LeaseKeeper(Journal(self.desk.redis), logbook)
        self.desk.keepers.append(leases)
        service = replace(self.desk.service(), leases=leases, logbook=logbook)
        [verdict] = service.deliver([Job("m", "default", {"to": [ANN, BOB], "subject": "s", "body": "b"})])
        return verdict

    def come_back(self) -> None:
        """Have the journal answer again, and stay."""
        self.server.connected, self.is_away_next = True, False

    def clean_up(self) -> None:
        """Have another process read what was left."""
        Recovery(self.shelf, self.desk.journal).recover()

    def deliver_twice(self, *, hold: float, answers: list[Answer]) -> Verdict:
        """Deliver a mail while the journal goes away in between, and again when it is back."""
        self.desk.hold, self.desk.transport.answers = hold, answers
        assert isinstance(self.deliver(), LeftAlone)
        self.come_back()
        self.clean_up()
        return self.deliver()


@pytest.fixture
def office(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    """An office in which nobody waits for a minute until the journal is back."""
    monkeypatch.setattr(module, "persistently", partial(persistently, longest=0.0))
    return Office(desk, fakeredis.FakeServer(), Shelf(tmp_path / "logbooks", "redis://h/0"))


#: The longest wait for which a mail is kept in hand: with none it is put back, else recorded.
WAYS = pytest.mark.parametrize("hold", [0.0, 60.0], ids=["put back", "recorded"])


@WAYS
def test_a_mail_that_was_refused_for_now_is_sent_when_the_journal_is_back(
    office: Office, hold: float
) -> None:
    verdict = office.deliver_twice(hold=hold, answers=[NOT_NOW, Receipt(OK)])

    assert isinstance(verdict, Settled)
    assert verdict.result.delivery is Delivery.SENT


@WAYS
def test_who_has_the_mail_already_gets_no_second_copy(office: Office, hold: float) -> None:
    verdict = office.deliver_twice(hold=hold, answers=[Receipt(OK, {BOB: LATER}), Receipt(OK)])

    assert isinstance(verdict, Settled)
    assert verdict.result.delivery is Delivery.SENT
    assert office.desk.transport.recipients == [(ANN, BOB), (BOB,)]


@WAYS
def test_whoever_took_the_mail_up_meanwhile_keeps_it(office: Office, hold: float) -> None:
    office.desk.hold = hold
    office.desk.transport.answers = [NOT_NOW]
    office.deliver()
    office.come_back()
    [another] = office.desk.journal.begin(["m"])
    office.clean_up()

    assert isinstance(another, Claim)
    assert another.grip is Grip.UNCONFIRMED
    assert office.desk.journal.record(another, history="", progress="")


class Leases:
    """Notes whose leases are let go."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def let_go(self, claims: list[Any], *, is_left: bool = False) -> None:
        self.told += [f"{'leave' if is_left else 'let go'} {claim}" for claim in claims]


def test_a_mail_that_another_worker_has_is_not_left_in_the_logbook() -> None:
    leases, reported = Leases(), []
    journal: Any = SimpleNamespace(record=lambda *_, **__: False)
    mail: Any = SimpleNamespace(claim="m", job="job", has_news=True, attempts=(), kept_progress=lambda: "")
    pending = Pending(journal, cast("Any", leases))

    assert pending.recorded([mail], lambda job, verdict: reported.append((job, verdict))) == []
    assert leases.told == ["let go m"]
    assert reported == [("job", LeftAlone("lease lost"))]
