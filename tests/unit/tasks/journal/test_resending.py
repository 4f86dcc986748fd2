"""Opening a mail again for those who have no copy: never for the others, and never unasked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tasks.contract.status import MailState
from tasks.contract.validation import parse
from tasks.journal.control import Control, Resend
from tasks.journal.entries import Entry
from tasks.journal.records import Claim
from tests.unit.tasks.journal.settled import (
    ENTRY,
    S,
    settle,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from tasks.contract.result import RecipientState
    from tasks.journal.journal import Journal


@pytest.mark.parametrize(
    ("state", "states", "progress"),
    [
        (MailState.NOT_SENT, [S.REFUSED, S.NOT_SENT], ["open", "open"]),
        (MailState.PARTIAL, [S.SENT, S.REFUSED], ["accepted", "open"]),
        (MailState.CANCELLED, [], []),
    ],
    ids=["not sent", "partial", "cancelled, recipients unknown"],
)
def test_a_mail_is_resent_to_those_who_have_no_copy(
    state: MailState, states: list[RecipientState], progress: list[str], journal: Journal, control: Control
) -> None:
    settle(journal, state, *states)

    outcome = control.resend(ENTRY, recipients=2)
    [claim] = journal.begin(["m"])

    assert outcome == (Resend.QUEUED, "bulk")
    assert isinstance(claim, Claim)
    assert claim.is_resent
    assert [standing for standing, *_ in json.loads(claim.progress or "[]")] == progress
    assert (claim.history, claim.fence) == ("", 3)


@pytest.mark.parametrize(
    ("state", "states"),
    [
        (MailState.UNKNOWN, [S.UNKNOWN, S.REFUSED]),
        (MailState.UNKNOWN, []),
        (MailState.PARTIAL, []),
    ],
    ids=["one unknown", "unknown, recipients unknown", "partial, recipients unknown"],
)
def test_a_mail_that_somebody_may_have_is_resent_by_force_only(
    state: MailState, states: list[RecipientState], journal: Journal, control: Control
) -> None:
    settle(journal, state, *states)

    assert control.resend(ENTRY, recipients=2) == (Resend.DOUBTFUL, "bulk")
    assert control.resend(ENTRY, recipients=2, force=True) == (Resend.QUEUED, "bulk")
    [claim] = journal.begin(["m"])
    assert isinstance(claim, Claim)
    assert json.loads(claim.progress)[0][0] == "suspect"


def test_a_sent_mail_is_never_resent(journal: Journal, control: Control) -> None:
    settle(journal, MailState.SENT, S.SENT, S.SENT)

    assert control.resend(ENTRY, recipients=2, force=True)[0] is Resend.SENT


def test_other_parameters_are_refused_whatever_is_forced(journal: Journal, control: Control) -> None:
    settle(journal, MailState.NOT_SENT)
    other = Entry.of("m", "bulk", parse({"to": "eve@x.org", "subject": "s", "body": "b"}))

    assert control.resend(other, recipients=1, force=True)[0] is Resend.DIFFERENT
    assert control.resend(Entry("none", "bulk", "{}"), recipients=1)[0] is Resend.MISSING


def test_an_open_mail_is_not_resent(journal: Journal, control: Control) -> None:
    journal.accept([ENTRY])

    assert control.resend(ENTRY, recipients=2, force=True)[0] is Resend.ON_ITS_WAY


def test_a_resent_mail_and_its_key_are_kept_like_a_new_one(
    redis: Redis, journal_with: Callable[..., Journal], control: Control
) -> None:
    keyed = Entry("m", "bulk", ENTRY.payload, "k", ENTRY.fingerprint)
    journal = journal_with(retention=100.0)
    journal.accept([keyed])
    control.cancel("m")
    redis.delete("postroom:key:k")

    control.resend(keyed, recipients=2)

    assert redis.ttl("postroom:mail:m") == -1
    assert redis.zcard("postroom:open") == 1
    assert redis.hgetall("postroom:key:k") == {b"mail": b"m", b"fingerprint": ENTRY.fingerprint.encode()}


def test_a_resent_mail_has_its_whole_timeout_before_it(
    redis: Redis, journal: Journal, control: Control
) -> None:
    settle(journal, MailState.NOT_SENT)
    redis.hincrby("postroom:mail:m", "started", -3_600_000)

    control.resend(ENTRY, recipients=2)
    [claim] = journal.begin(["m"])

    assert isinstance(claim, Claim)
    assert claim.elapsed < 60.0


def test_a_mail_of_a_lane_that_is_none_is_not_opened_again(
    redis: Redis, journal: Journal, control: Control
) -> None:
    settle(journal, MailState.NOT_SENT, S.NOT_SENT, S.NOT_SENT)
    redis.hset("postroom:mail:m", "lane", "express")

    assert control.resend(ENTRY, recipients=2)[0] is Resend.MISSING
    assert redis.hget("postroom:mail:m", "state") == b"not_sent"
