"""The journal's transitions: who gets a mail, when, and who must let go of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

import pytest

from tasks.contract.result import Delivery, SendEmailResult
from tasks.contract.status import MailState
from tasks.journal.damage import damaged as result_of_damage
from tasks.journal.entries import Entry
from tasks.journal.records import Acceptance, Claim, Grip, Hindrance, Record, Refusal
from tasks.journal.settlement import Settlement
from tests.damages import DAMAGES

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from tasks.journal.journal import Journal

SENT = SendEmailResult(
    success=True, code=250, message="ok", delivery=Delivery.SENT, retryable=False, source="server"
)


def entry(mail_id: str = "m", *, key: str | None = None, fingerprint: str = "f", delay: float = 0.0) -> Entry:
    return Entry(mail_id, "default", '{"to":"a@x.org"}', key, fingerprint, delay)


def test_an_accepted_mail_is_queued_and_one_that_never_was_is_not_there(journal: Journal) -> None:
    journal.accept([entry()])

    [found, missing] = journal.look_up(["m", "other"])

    assert found is not None
    assert found.state is MailState.QUEUED
    assert missing is None


def test_a_mail_is_accepted_once(journal: Journal) -> None:
    first, second = journal.accept([entry(), entry()])

    assert first.outcome is Acceptance.ACCEPTED
    assert second.outcome is Acceptance.KNOWN


def test_what_is_accepted_is_published_in_the_same_step_and_nothing_else_is(
    journal: Journal, redis: Redis
) -> None:
    run = [
        entry("a", key="k"),
        entry("a", key="k"),
        entry("b", key="k"),
        entry("c", key="k", fingerprint="g"),
    ]
    answers = journal.accept(run, messages=[b"1", b"2", b"3", b"4"])

    assert [answer.outcome for answer in answers] == ["accepted", "known", "same", "conflict"]
    assert redis.lrange("default", 0, -1) == [b"1"]


def test_messages_of_a_run_come_into_their_queues_in_its_order(journal: Journal, redis: Redis) -> None:
    lanes = ["bulk", "default", "bulk", "default", "bulk"]
    journal.accept(
        [Entry(f"m{i}", lane, "{}", None, "f") for i, lane in enumerate(lanes)],
        messages=[str(i).encode() for i in range(len(lanes))],
    )

    assert redis.lrange("bulk", 0, -1)[::-1] == [b"0", b"2", b"4"]
    assert redis.lrange("default", 0, -1)[::-1] == [b"1", b"3"]


def test_an_empty_message_is_not_published(journal: Journal, redis: Redis) -> None:
    journal.accept([entry("a", delay=60.0), entry("b")], messages=[b"", b"2"])

    assert redis.lrange("default", 0, -1) == [b"2"]


def test_a_queue_that_takes_no_message_does_not_undo_the_acceptance(journal: Journal, redis: Redis) -> None:
    redis.set("default", "no list")
    [answer] = journal.accept([entry(key="k")], messages=[b"1"])
    [again] = journal.accept([entry("second", key="k")])

    assert (answer.outcome, again.outcome) == (Acceptance.ACCEPTED, Acceptance.SAME)
    assert redis.zcard("postroom:open") == 1


def test_a_key_finds_its_first_mail(journal: Journal) -> None:
    journal.accept([entry("first", key="k")])

    [again] = journal.accept([entry("second", key="k")])

    assert (again.outcome, again.mail_id) == (Acceptance.SAME, "first")
    assert journal.look_up(["second"]) == [None]


def test_a_key_with_other_parameters_is_a_conflict_that_stores_nothing(journal: Journal) -> None:
    journal.accept([entry("first", key="k")])

    [other] = journal.accept([entry("second", key="k", fingerprint="g")])

    assert (other.outcome, other.mail_id) == (Acceptance.CONFLICT, "first")
    assert journal.look_up(["second"]) == [None]


def test_a_key_lives_as_long_as_the_finished_mail(redis: Redis, journal_with: Callable[..., Journal]) -> None:
    journal = journal_with(retention=100.0)
    journal.accept([entry(key="k")])
    before = redis.ttl("postroom:key:k")
    [claim] = journal.begin(["m"])
    assert isinstance(claim, Claim)

    journal.finish([Settlement.of(claim, MailState.SENT, SENT)])

    assert before == -1
    assert 0 < redis.ttl("postroom:key:k") <= 100
    assert 0 < redis.ttl("postroom:mail:m") <= 100


def test_a_mail_is_given_to_one_worker_at_a_time(journal: Journal) -> None:
    journal.accept([entry()])

    [first] = journal.begin(["m"])
    [second] = journal.begin(["m"])

    assert isinstance(first, Claim)
    assert isinstance(second, Refusal)
    assert second.hindrance is Hindrance.BUSY


def test_a_mail_without_a_record_is_unknown(journal: Journal) -> None:
    assert journal.begin(["m"]) == [Refusal("m", Hindrance.UNKNOWN)]


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_record_that_somebody_wrote_into_costs_no_other_mail_of_its_run(
    journal: Journal, redis: Redis, damage: Callable[[Redis, str], None]
) -> None:
    journal.accept([entry(name) for name in ("before", "damaged", "m")])
    damage(redis, "damaged")

    before, damaged, after = journal.begin(["before", "damaged", "m"])

    assert damaged == Refusal("damaged", Hindrance.DAMAGED, result_of_damage("damaged"))
    assert isinstance(before, Claim)
    assert isinstance(after, Claim)
    assert [record is None for record in journal.look_up(["before", "m"])] == [False, False]


@pytest.mark.parametrize("value", ["canary", "nan"])
@pytest.mark.parametrize("name", ["lease", "runs", "started", "resends", "fence"])
def test_a_record_that_somebody_wrote_into_while_it_was_in_hand_costs_no_other_mail_either(
    journal: Journal, redis: Redis, name: str, value: str
) -> None:
    journal.accept([entry("damaged"), entry("m")])
    journal.begin(["damaged"])
    redis.hset("postroom:mail:damaged", name, value)

    damaged, other = journal.begin(["damaged", "m"])

    assert damaged == Refusal("damaged", Hindrance.DAMAGED, result_of_damage("damaged"))
    assert isinstance(other, Claim)


@pytest.mark.parametrize("times", [0, 1], ids=["waits", "in hand"])
@pytest.mark.parametrize(
    ("name", "value"), [("accepted", "9" * 17), ("fence", "nan"), ("history", b"\xff"), ("progress", b"\xff")]
)
def test_a_record_that_its_reader_stumbles_over_costs_no_other_mail_of_its_run(
    journal_with: Callable[..., Journal], redis: Redis, name: str, value: bytes | str, times: int
) -> None:
    journal = journal_with(lease=0.0)
    journal.accept([entry("damaged"), entry("m")])
    for _ in range(times):
        journal.begin(["damaged"])
    redis.hset("postroom:mail:damaged", name, value)

    *_, (damaged, other) = [journal.begin(["damaged", "m"]) for _ in range(2)]

    assert damaged == Refusal("damaged", Hindrance.DAMAGED, result_of_damage("damaged"))
    assert isinstance(other, Claim)


def test_a_mail_whose_result_cannot_be_read_costs_no_other_mail_of_its_run(
    journal: Journal, take: Callable[[Journal], Claim], redis: Redis
) -> None:
    journal.finish([Settlement.of(take(journal), MailState.SENT, SENT)])
    journal.accept([entry("other")])
    redis.hset("postroom:mail:m", "result", "canary")

    damaged, other = journal.begin(["m", "other"])

    assert damaged == Refusal("m", Hindrance.DAMAGED, result_of_damage("m"))
    assert isinstance(other, Claim)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("state", "canary"),
        ("accepted", "canary"),
        ("due", "canary"),
        ("accepted", "9" * 30),
        ("due", "-" + "9" * 20),
        ("history", "canary"),
        ("history", "7"),
        ("history", "[7]"),
        ("history", '[{"at": "canary"}]'),
        ("result", "canary"),
        ("result", '{"success": true}'),
    ],
)
def test_a_record_that_cannot_be_read_is_of_unknown_outcome(
    journal: Journal, redis: Redis, name: str, value: str
) -> None:
    journal.accept([entry("damaged"), entry("m")])
    redis.hset("postroom:mail:damaged", name, value)

    damaged, other = journal.look_up(["damaged", "m"])

    assert damaged == Record.damaged("damaged")
    assert other is not None
    assert other.result is None


def test_a_mail_that_has_its_result_has_it_whatever_else_somebody_wrote_into_its_record(
    journal: Journal, redis: Redis
) -> None:
    journal.accept([entry()])
    [claim] = journal.begin(["m"])
    assert isinstance(claim, Claim)
    journal.finish([Settlement.of(claim, MailState.SENT, SENT)])
    redis.hset("postroom:mail:m", mapping={"due": "soon", "published": "", "fence": "x", "lane": "express"})

    [again] = journal.begin(["m"])
    [record] = journal.look_up(["m"])

    assert again == Refusal("m", Hindrance.DONE, SENT)
    assert record is not None
    assert (record.state, record.result, record.lane) == (MailState.SENT, SENT, "default")


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_record_that_no_worker_would_take_up_is_of_unknown_outcome(
    journal: Journal, redis: Redis, damage: Callable[[Redis, str], None]
) -> None:
    journal.accept([entry("damaged"), entry("m")])
    damage(redis, "damaged")

    damaged, other = journal.look_up(["damaged", "m"])

    assert damaged == Record.damaged("damaged")
    assert damaged.result == result_of_damage("damaged")
    assert other is not None


def test_a_mail_that_is_due_later_is_left_alone(journal: Journal) -> None:
    journal.accept([entry(delay=60.0)])

    [refusal] = journal.begin(["m"])

    assert isinstance(refusal, Refusal)
    assert refusal.hindrance is Hindrance.EARLY


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


def test_a_mail_that_takes_its_workers_down_is_given_up(journal_with: Callable[..., Journal]) -> None:
    journal = journal_with(lease=0.0, runs=3)
    journal.accept([entry()])

    grips = [journal.begin(["m"])[0] for _ in range(4)]

    assert [grip.grip for grip in grips if isinstance(grip, Claim)] == [
        Grip.YOURS,
        Grip.YOURS,
        Grip.YOURS,
        Grip.CRASHED,
    ]


def test_an_orderly_wait_is_no_crash(journal_with: Callable[..., Journal]) -> None:
    journal = journal_with(runs=1)
    journal.accept([entry()])

    for _ in range(5):
        [claim] = journal.begin(["m"])
        assert isinstance(claim, Claim)
        assert claim.grip is Grip.YOURS
        journal.postpone(claim, wait=0.0, history="[]", progress="[]")


def test_a_postponed_mail_is_retrying_with_its_last_answer(
    journal: Journal, take: Callable[[Journal], Claim]
) -> None:
    history = '[{"at":"2026-01-01T00:00:00Z","code":451,"message":"later"}]'
    journal.postpone(take(journal), wait=60.0, history=history, progress="[]")

    [record] = journal.look_up(["m"])

    assert record is not None
    assert (record.state, record.last_code, record.last_message) == (MailState.RETRYING, 451, "later")


def test_a_postponed_mail_tells_all_its_attempts_and_when_the_next_one_is_due(
    journal: Journal, take: Callable[[Journal], Claim]
) -> None:
    answers = [{"at": f"2026-01-01T00:00:0{n}Z", "code": 451, "message": f"later {n}"} for n in range(2)]
    claim = take(journal)
    journal.postpone(claim, wait=60.0, history=json.dumps(answers), progress="[]")

    [record] = journal.look_up(["m"])

    assert record is not None
    assert [attempt.message for attempt in record.attempts] == ["later 0", "later 1"]
    assert record.due_at is not None
    assert 59.0 < (record.due_at - claim.begun_at).total_seconds() < 70.0


def test_a_finished_mail_has_its_result_and_no_parameters(
    redis: Redis, journal: Journal, take: Callable[[Journal], Claim]
) -> None:
    journal.finish([Settlement.of(take(journal), MailState.SENT, SENT)])

    [record] = journal.look_up(["m"])

    assert record is not None
    assert (record.state, record.result) == (MailState.SENT, SENT)
    assert not redis.hget("postroom:mail:m", "payload")
    assert redis.zcard("postroom:open") == 0
    assert journal.begin(["m"]) == [Refusal("m", Hindrance.DONE, SENT)]


def test_the_scripts_survive_a_restart_of_the_server(redis: Redis, journal: Journal) -> None:
    journal.accept([entry("a")])
    redis.script_flush()

    [answer] = journal.accept([entry("b")])

    assert answer.outcome is Acceptance.ACCEPTED


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
