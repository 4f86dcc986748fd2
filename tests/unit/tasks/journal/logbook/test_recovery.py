"""Behind a dead worker the journal knows what it knew, and nobody waits for its leases."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tasks.contract.result import Delivery, SendEmailResult
from tasks.contract.status import MailState
from tasks.journal.entries import Entry
from tasks.journal.journal import Journal
from tasks.journal.keys import MAIL
from tasks.journal.logbook import lines
from tasks.journal.logbook.recovery import Recovery
from tasks.journal.logbook.shelf import Shelf
from tasks.journal.records import Claim, Grip, Hindrance, Refusal
from tasks.journal.settlement import Settlement

if TYPE_CHECKING:
    from pathlib import Path

    from redis import Redis

SENT = SendEmailResult(
    success=True, code=250, message="ok", delivery=Delivery.SENT, retryable=False, source="server"
)
BEFORE = '[["refused", 550, "", "no"], ["open", 0, "", ""]]'


class Office:
    """A journal, and a worker process that is dead when `die` returns."""

    def __init__(self, redis: Redis, shelf: Shelf) -> None:
        self.redis = redis
        self.journal = Journal(redis)
        self.shelf = shelf
        self.recovery = Recovery(shelf, self.journal)

    def taken(self, mail_id: str) -> Claim:
        """Return a mail in hand."""
        self.journal.accept([Entry(mail_id, "default", "{}")])
        [claim] = self.journal.begin([mail_id])
        assert isinstance(claim, Claim)
        return claim

    def die(self, *written: bytes) -> None:
        """Leave a logbook behind."""
        os.close(self.shelf.start(b"".join(written)).descriptor)

    def again(self, mail_id: str) -> Claim | Refusal:
        """Return what another worker is told that takes the mail up."""
        [grip] = self.journal.begin([mail_id])
        return grip

    def stored(self, mail_id: str, name: str) -> str:
        """Return a field of the mail's record."""
        return (self.redis.hget(MAIL + mail_id, name) or b"").decode()


@pytest.fixture
def office(redis: Redis, shelf: Shelf) -> Office:
    """An office whose journal is empty."""
    return Office(redis, shelf)


def settled(claim: Claim) -> bytes:
    return lines.settled(Settlement.of(claim, MailState.SENT, SENT))


def test_a_mail_that_was_answered_gets_its_result(office: Office) -> None:
    claim = office.taken("m")
    office.journal.mark([claim], ["[]"])
    office.die(lines.taken_up(claim), lines.dot(claim), settled(claim))

    office.recovery.recover()

    grip = office.again("m")
    assert isinstance(grip, Refusal)
    assert grip.result == SENT
    assert list(office.shelf.left()) == []


def test_a_mail_whose_dot_was_not_sent_goes_on_at_once_as_if_it_had_not_been_marked(office: Office) -> None:
    claim = office.taken("m")._replace(progress=BEFORE)
    office.journal.mark([claim], ['[["doubtful"]]'])
    office.die(lines.taken_up(claim))

    office.recovery.recover()

    assert office.stored("m", "state") == "sending"
    grip = office.again("m")
    assert isinstance(grip, Claim)
    assert grip.grip is Grip.YOURS
    assert grip.progress == BEFORE


def test_a_mail_whose_dot_is_out_is_in_doubt_at_once(office: Office) -> None:
    claim = office.taken("m")
    office.journal.mark([claim], ["[]"])
    office.die(lines.taken_up(claim), lines.dot(claim))
    assert isinstance(office.again("m"), Refusal)

    office.recovery.recover()

    grip = office.again("m")
    assert isinstance(grip, Claim)
    assert grip.grip is Grip.UNCONFIRMED


def test_a_mail_that_was_refused_for_now_is_in_nobodys_doubt(office: Office) -> None:
    claim = office.taken("m")
    office.journal.mark([claim], ["[]"])
    office.die(lines.taken_up(claim), lines.dot(claim), lines.refused(claim, BEFORE))

    office.recovery.recover()

    grip = office.again("m")
    assert isinstance(grip, Claim)
    assert (grip.grip, grip.progress) == (Grip.YOURS, BEFORE)


def test_a_mail_that_kills_its_workers_is_given_up_all_the_same(office: Office) -> None:
    grip: Claim | Refusal = office.taken("m")
    for _ in range(3):
        assert isinstance(grip, Claim)
        assert grip.grip is Grip.YOURS
        office.die(lines.taken_up(grip))
        office.recovery.recover()
        grip = office.again("m")

    assert isinstance(grip, Claim)
    assert grip.grip is Grip.CRASHED


@pytest.mark.parametrize("left", ["nothing", "dot", "end"])
def test_what_somebody_else_has_taken_over_is_left_alone(redis: Redis, shelf: Shelf, left: str) -> None:
    office = Office(redis, shelf)
    claim = office.taken("m")
    redis.hset(MAIL + "m", "lease", 0)
    newer = office.again("m")
    assert isinstance(newer, Claim)
    written = {"nothing": b"", "dot": lines.dot(claim), "end": lines.dot(claim) + settled(claim)}
    before = redis.hgetall(MAIL + "m")
    office.die(lines.taken_up(claim), written[left])

    office.recovery.recover()

    assert redis.hgetall(MAIL + "m") == before


def test_a_line_that_death_cut_off_counts_as_not_written(office: Office) -> None:
    claim = office.taken("m")
    office.journal.mark([claim], ["[]"])
    office.die(lines.taken_up(claim), lines.dot(claim), settled(claim)[:-1])

    office.recovery.recover()

    grip = office.again("m")
    assert isinstance(grip, Claim)
    assert grip.grip is Grip.UNCONFIRMED


def busy_after(office: Office, written: bytes) -> bool:
    """Whether the mail still waits for its lease once somebody has read *written*."""
    book = office.shelf.start()
    book.path.write_bytes(written)
    os.close(book.descriptor)
    office.recovery.recover()
    grip = office.again("m")
    return isinstance(grip, Refusal) and grip.hindrance is Hindrance.BUSY


def test_a_logbook_from_before_the_machine_was_started_tells_nothing(office: Office) -> None:
    claim = office.taken("m")

    assert busy_after(office, b"postroom logbook 1 another-start\n" + lines.taken_up(claim))
    assert list(office.shelf.left()) == []


@pytest.mark.parametrize(
    "damage", [b"\0\0\0\n", b"dot stranger\n", b"take m one \n", b"end m sent {\n", b"\xff\n"]
)
def test_a_damaged_logbook_tells_nothing(office: Office, damage: bytes) -> None:
    claim = office.taken("m")

    assert busy_after(office, office.shelf.header + lines.taken_up(claim) + damage + lines.dot(claim))


def test_what_lies_where_others_may_write_is_not_believed(office: Office, folder: Path) -> None:
    claim = office.taken("m")
    office.die(lines.taken_up(claim), lines.dot(claim), settled(claim))
    folder.chmod(0o777)

    office.recovery.recover()

    assert office.stored("m", "state") == "sending"


def test_without_a_folder_there_is_nothing_to_clean_up(redis: Redis, tmp_path: Path) -> None:
    Recovery(Shelf(tmp_path / "none", "redis://h/0"), Journal(redis)).recover()


def test_while_redis_is_away_the_logbook_stays(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    claim = office.taken("m")
    office.die(lines.taken_up(claim), lines.dot(claim), settled(claim))
    with monkeypatch.context() as patch:
        patch.setattr(office.journal, "finish", _away)
        with pytest.raises(ConnectionError):
            office.recovery.recover()

    office.recovery.recover()

    assert office.stored("m", "state") == "sent"


def test_what_was_found_is_said_in_numbers_and_nothing_is_said_of_nothing(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    claims = [office.taken(name) for name in ("a", "b", "c")]
    office.journal.mark(claims, ["[]"] * 3)
    office.die(
        *(lines.taken_up(claim) for claim in claims),
        lines.dot(claims[0]),
        lines.dot(claims[1]),
        settled(claims[1]),
    )
    office.recovery.recover()
    office.recovery.recover()

    [record] = caplog.records
    assert record.message == "cleaned up behind a worker that died"
    told = vars(record)
    assert (told["settled"], told["to_be_sent"], told["in_doubt"]) == (1, 1, 1)


def _away(*_: object) -> None:
    raise ConnectionError
