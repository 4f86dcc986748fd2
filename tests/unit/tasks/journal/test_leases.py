"""Leases are renewed while mails are in hand."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, ClassVar

from tasks.journal.journal import Journal, JournalOptions
from tasks.journal.leases import LeaseKeeper
from tasks.journal.logbook.logbook import Logbook
from tasks.journal.logbook.shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import pytest
    from redis import Redis

    from tasks.journal.records import Claim


class SignallingJournal(Journal):
    """A journal that says when leases were renewed."""

    def __init__(self, redis: Redis) -> None:
        super().__init__(redis, options=JournalOptions(lease=0.03))
        self.renewed = threading.Semaphore(0)

    def renew(self, claims: Iterable[Claim]) -> list[bool]:
        kept = super().renew(claims)
        self.renewed.release()
        return kept


def test_a_lease_is_renewed_again_and_again_while_the_mail_is_in_hand(
    redis: Redis, take: Callable[[Journal], Claim]
) -> None:
    journal = SignallingJournal(redis)

    with LeaseKeeper(journal).keep([take(journal)]):
        assert all(journal.renewed.acquire(timeout=5.0) for _ in range(3))


def test_a_closed_keeper_leaves_no_thread_behind(redis: Redis, take: Callable[[Journal], Claim]) -> None:
    journal = SignallingJournal(redis)
    others = set(threading.enumerate())
    keeper = LeaseKeeper(journal)
    keeper.hold([take(journal)])
    (thread,) = set(threading.enumerate()) - others

    keeper.close()

    thread.join(5.0)
    assert not thread.is_alive()


def test_a_renewal_that_goes_wrong_in_any_way_is_not_the_last(
    redis: Redis, take: Callable[[Journal], Claim], caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(SignallingJournal):
        errors: ClassVar[list[BaseException]] = [MemoryError(), SystemExit(), KeyError("canary")]

        def renew(self, claims: Iterable[Claim]) -> list[bool]:
            if self.errors:
                raise self.errors.pop()
            return super().renew(claims)

    journal = Failing(redis)

    with LeaseKeeper(journal).keep([take(journal)]):
        assert journal.renewed.acquire(timeout=5.0)
    assert "canary" not in caplog.text


def test_a_lease_that_was_lost_is_said_and_left_alone(
    journal_with: Callable[..., Journal],
    take: Callable[[Journal], Claim],
    caplog: pytest.LogCaptureFixture,
) -> None:
    journal = journal_with(lease=0.0)
    lost = take(journal)
    journal.begin([lost.mail_id])
    keeper = LeaseKeeper(journal_with(lease=60.0))

    with keeper.keep([lost]):
        keeper.renew()

    assert [record.message for record in caplog.records] == ["lease lost"]


def test_a_mail_that_got_its_result_while_its_lease_was_renewed_has_lost_nothing(
    journal: Journal,
    take: Callable[[Journal], Claim],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keeper, claim = LeaseKeeper(journal), take(journal)

    def renew(_: object) -> list[bool]:
        keeper.let_go([claim])
        return [False]

    monkeypatch.setattr(journal, "renew", renew)
    keeper.hold([claim])
    keeper.renew()

    assert caplog.records == []


def test_the_logbook_has_the_mails_whose_leases_are_held(
    journal: Journal, take: Callable[[Journal], Claim], tmp_path: Path
) -> None:
    logbook = Logbook(Shelf(tmp_path, "redis://h/0"))
    keeper, claim = LeaseKeeper(journal, logbook), take(journal)
    keeper.hold([claim])
    [file] = tmp_path.iterdir()
    assert f"take {claim.mail_id} {claim.fence}" in file.read_text()

    keeper.let_go([claim])
    logbook.close()
    assert list(tmp_path.iterdir()) == []


def test_an_older_claim_of_a_mail_does_not_end_the_newer_ones_lease(
    redis: Redis, take: Callable[[Journal], Claim]
) -> None:
    journal = SignallingJournal(redis)
    new = take(journal)
    keeper = LeaseKeeper(journal)

    with keeper.keep([new]):
        keeper.let_go([new._replace(fence=new.fence - 1)])
        assert journal.renewed.acquire(timeout=5.0)
