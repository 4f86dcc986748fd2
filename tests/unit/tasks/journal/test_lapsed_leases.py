"""Whose worker died or was late: who may go on with the mail, and what is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from tasks.contract.status import MailState
from tasks.journal.records import Claim, Grip, Hindrance, Refusal
from tasks.journal.settlement import Settlement
from tests.unit.tasks.journal.samples import SENT, entry

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from tasks.journal.journal import Journal


def test_a_mail_whose_lease_is_over_goes_to_another_worker_under_a_new_fence(
    journal_with: Callable[..., Journal],
) -> None:
    journal = journal_with(lease=0.0)
    journal.accept([entry()])

    [first] = journal.begin(["m"])
    [second] = journal.begin(["m"])

    assert isinstance(first, Claim)
    assert isinstance(second, Claim)
    assert second.fence == first.fence + 1
    assert second.grip is Grip.YOURS


@pytest.mark.parametrize(
    "step",
    [
        lambda journal, claim: journal.mark([claim], ["[]"])[0],
        lambda journal, claim: journal.renew([claim])[0],
        lambda journal, claim: journal.record(claim, history="[]", progress="[]"),
        lambda journal, claim: journal.postpone(claim, wait=1.0, history="[]", progress="[]"),
        lambda journal, claim: journal.finish([Settlement.of(claim, MailState.SENT, SENT)])[0],
    ],
    ids=["mark", "renew", "record", "postpone", "finish"],
)
def test_a_worker_that_lost_its_lease_can_do_nothing_more(
    journal_with: Callable[..., Journal], step: Callable[[Journal, Claim], bool]
) -> None:
    journal = journal_with(lease=0.0)
    journal.accept([entry()])
    [slow], [fast] = journal.begin(["m"]), journal.begin(["m"])
    assert isinstance(slow, Claim)
    assert isinstance(fast, Claim)

    assert not step(journal, slow)
    assert step(journal, fast)


@pytest.mark.parametrize("covered", ["", "covered"])
def test_a_mail_whose_worker_died_after_the_mark_is_unconfirmed_with_what_was_covered(
    journal_with: Callable[..., Journal], take: Callable[[Journal], Claim], covered: str
) -> None:
    journal = journal_with(lease=0.0)
    journal.mark([take(journal)], [covered])

    [first] = journal.begin(["m"])
    [second] = journal.begin(["m"])

    assert isinstance(first, Claim)
    assert isinstance(second, Claim)
    assert (first.grip, first.progress) == (Grip.UNCONFIRMED, covered)
    assert second.grip is Grip.UNCONFIRMED


def test_what_was_recorded_of_a_mail_is_told_to_whoever_takes_it_over(
    journal_with: Callable[..., Journal], take: Callable[[Journal], Claim]
) -> None:
    journal = journal_with(lease=0.0)
    journal.record(take(journal), history="attempts", progress="recipients")

    [claim] = journal.begin(["m"])

    assert isinstance(claim, Claim)
    assert (claim.grip, claim.history, claim.progress) == (Grip.YOURS, "attempts", "recipients")


@pytest.mark.parametrize("covered", ["", "covered"])
def test_nothing_is_left_of_the_progress_of_a_mail_that_has_its_result(
    journal: Journal, take: Callable[[Journal], Claim], redis: Redis, covered: str
) -> None:
    claim = take(journal)
    journal.record(claim, history="", progress="recorded")
    journal.mark([claim], [covered])

    assert journal.finish([Settlement.of(claim, MailState.SENT, SENT)]) == [True]
    assert not redis.hget("postroom:mail:m", "progress")


def lease_left(redis: Redis) -> float:
    """Return the seconds for which the lease lasts, and see that the sweeper looks by the time it is over."""
    lease = int(redis.hget("postroom:mail:m", "lease") or 0)
    assert cast("float", redis.zscore("postroom:open", "m")) <= lease
    seconds, microseconds = redis.time()
    return lease / 1000 - seconds - microseconds / 1e6


MARK_AND_RECORD = pytest.mark.parametrize(
    "step",
    [
        lambda journal, claim: journal.mark([claim], ["[]"])[0],
        lambda journal, claim: journal.record(claim, history="[]", progress="[]"),
    ],
    ids=["mark", "record"],
)


@MARK_AND_RECORD
def test_a_step_leaves_a_lease_alone_of_which_most_is_left(
    redis: Redis, journal: Journal, take: Callable[[Journal], Claim], step: Callable[[Journal, Claim], bool]
) -> None:
    claim = take(journal)
    before = redis.hget("postroom:mail:m", "lease")

    assert step(journal, claim)

    assert redis.hget("postroom:mail:m", "lease") == before
    assert lease_left(redis) < 15.0


@MARK_AND_RECORD
def test_a_step_renews_a_lease_that_its_keeper_is_late_with(
    redis: Redis,
    journal_with: Callable[..., Journal],
    take: Callable[[Journal], Claim],
    step: Callable[[Journal, Claim], bool],
) -> None:
    claim = take(journal_with(lease=100.0))

    assert step(journal_with(lease=1000.0), claim)

    assert lease_left(redis) > 900.0


def test_a_keeper_renews_a_lease_however_much_of_it_is_left(
    redis: Redis, journal_with: Callable[..., Journal], take: Callable[[Journal], Claim]
) -> None:
    claim = take(journal_with(lease=100.0))

    assert journal_with(lease=150.0).renew([claim]) == [True]

    assert lease_left(redis) > 110.0


def test_a_mail_that_was_never_begun_is_taken_up_in_company(journal: Journal) -> None:
    journal.accept([entry()])

    [grip] = journal.begin(["m"], in_company=True)

    assert isinstance(grip, Claim)


def test_a_mail_whose_worker_died_is_left_in_company_and_taken_up_alone(
    journal_with: Callable[..., Journal], take: Callable[[Journal, str], Claim], redis: Redis
) -> None:
    """It may have killed its worker, and would take all others of the run with it."""
    journal = journal_with()
    first = take(journal, "m")
    redis.hset("postroom:mail:m", "lease", 0)

    [refused] = journal.begin(["m"], in_company=True)
    before = redis.hgetall("postroom:mail:m")
    [again] = journal.begin(["m"], in_company=True)
    assert redis.hgetall("postroom:mail:m") == before, "a refusal changes nothing"
    [claim] = journal.begin(["m"])

    assert isinstance(refused, Refusal)
    assert refused.hindrance is Hindrance.ALONE
    assert again == refused
    assert isinstance(claim, Claim)
    assert claim.fence > first.fence


def test_a_mail_in_other_hands_is_not_a_suspect(
    journal: Journal, take: Callable[[Journal, str], Claim]
) -> None:
    take(journal, "m")

    [refused] = journal.begin(["m"], in_company=True)

    assert isinstance(refused, Refusal)
    assert refused.hindrance is not Hindrance.ALONE
