"""Mails are cancelled while they wait, and sent once more to those who have no copy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tasks.contract.result import Delivery, RecipientOutcome, RecipientState, SendEmailResult
from tasks.contract.status import MailState
from tasks.contract.validation import parse
from tasks.journal.control import Control, Resend
from tasks.journal.entries import Entry
from tasks.journal.records import Claim, Hindrance, Refusal
from tasks.journal.sealing import Seal, generate_key
from tasks.journal.sealing_keys import parse_keys
from tasks.journal.settlement import Settlement
from tests.damages import DAMAGES

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from tasks.journal.journal import Journal

REQUEST = parse({"to": ["ann@x.org", "bob@x.org"], "subject": "s", "body": "b", "metadata": {"order": "7"}})
ENTRY = Entry.of("m", "bulk", REQUEST)
ACCEPTED, OPEN = ["accepted", 250, "ok", None], ["open", 451, "later", None]
REFUSED, SUSPECT = ["refused", 550, "no", None], ["suspect", 690, "", None]
ATTEMPT = '[{"at":"2026-01-01T00:00:00Z","code":451,"message":"later"}]'
S = RecipientState


@pytest.fixture
def control(redis: Redis) -> Control:
    return Control(redis)


def accept_and_begin(journal: Journal, entry: Entry = ENTRY) -> Claim:
    journal.accept([entry])
    [claim] = journal.begin([entry.mail_id])
    assert isinstance(claim, Claim)
    return claim


def wait_for_retry(journal: Journal, *progress: list[object]) -> None:
    claim = accept_and_begin(journal)
    journal.postpone(claim, wait=60.0, history=ATTEMPT, progress=json.dumps(progress))


def settle(journal: Journal, state: MailState, *states: RecipientState) -> None:
    outcomes = tuple(RecipientOutcome(address="*", state=s, code=1, message="said") for s in states)
    result = SendEmailResult(
        success=state is MailState.SENT,
        code=1,
        message="",
        delivery=Delivery.NOT_SENT,
        retryable=False,
        source="local",
        recipients=outcomes,
    )
    journal.finish([Settlement.of(accept_and_begin(journal), state, result)])


def test_a_queued_mail_is_cancelled_with_a_result_and_without_parameters(
    redis: Redis, journal: Journal, control: Control
) -> None:
    journal.accept([ENTRY])

    stray = control.cancel("m")

    [record] = journal.look_up(["m"])
    assert stray is None
    assert record is not None
    assert record.result is not None
    assert (record.state, record.result.code) == (MailState.CANCELLED, 650)
    assert (record.result.delivery, record.result.success) == (Delivery.NOT_SENT, False)
    assert [outcome.address for outcome in record.result.recipients] == ["a***@x.org", "b***@x.org"]
    assert record.result.metadata == {"order": "7"}
    assert redis.hget("postroom:mail:m", "payload") is None
    assert redis.zcard("postroom:open") == 0
    assert 0 < redis.ttl("postroom:mail:m") <= 24 * 3600
    assert journal.begin(["m"]) == [Refusal("m", Hindrance.DONE, record.result)]


def test_a_mail_for_which_no_message_stands_comes_back_to_be_published(
    journal: Journal, control: Control
) -> None:
    journal.accept([Entry.of("m", "bulk", REQUEST, delay=60.0)])

    stray = control.cancel("m")

    assert stray is not None
    assert (stray.mail_id, stray.lane) == ("m", "bulk")
    assert json.loads(stray.payload) == REQUEST.to_message()


@pytest.mark.parametrize(
    ("progress", "ending", "states"),
    [
        ([OPEN, OPEN], (MailState.CANCELLED, 650), [S.NOT_SENT, S.NOT_SENT]),
        ([REFUSED, OPEN], (MailState.CANCELLED, 650), [S.REFUSED, S.NOT_SENT]),
        ([ACCEPTED, OPEN], (MailState.PARTIAL, 650), [S.SENT, S.NOT_SENT]),
        ([SUSPECT, SUSPECT], (MailState.UNKNOWN, 690), [S.UNKNOWN, S.UNKNOWN]),
    ],
    ids=["nobody has it", "one refused it", "one has it", "nobody knows"],
)
def test_what_was_sent_before_is_not_unsaid_by_cancelling(
    progress: list[list[object]],
    ending: tuple[MailState, int],
    states: list[RecipientState],
    journal: Journal,
    control: Control,
) -> None:
    wait_for_retry(journal, *progress)

    control.cancel("m")

    [record] = journal.look_up(["m"])
    assert record is not None
    assert record.result is not None
    assert (record.state, record.result.code) == ending
    assert record.result.was_cancelled
    assert [outcome.state for outcome in record.result.recipients] == states
    assert [attempt.code for attempt in record.result.attempts] == [451]


def test_a_sealed_mail_is_cancelled_by_those_without_the_key_but_nobody_is_named(
    journal: Journal, control: Control
) -> None:
    claim = accept_and_begin(journal, Entry.of("m", "bulk", REQUEST, seal=Seal(parse_keys(generate_key()))))
    journal.postpone(claim, wait=1.0, history="[]", progress=json.dumps([ACCEPTED, OPEN]))

    control.cancel("m")

    [record] = journal.look_up(["m"])
    assert record is not None
    assert record.result is not None
    assert [(o.address, o.state) for o in record.result.recipients] == [("?", S.SENT), ("?", S.NOT_SENT)]


@pytest.mark.parametrize("is_marked", [False, True], ids=["sending", "data"])
def test_a_mail_in_a_workers_hands_is_not_cancelled(
    is_marked: bool,  # noqa: FBT001 (parametrised)
    redis: Redis,
    journal: Journal,
    control: Control,
) -> None:
    claim = accept_and_begin(journal)
    if is_marked:
        journal.mark([claim], ["[]"])
    before = redis.hgetall("postroom:mail:m")

    assert control.cancel("m") is None
    assert redis.hgetall("postroom:mail:m") == before


def test_a_mail_that_was_taken_up_since_it_was_read_is_not_cancelled(
    redis: Redis, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.accept([ENTRY])
    control = Control(redis)
    read = control._read  # noqa: SLF001 (the moment between reading and deciding)

    def read_too_early(mail_id: str) -> object:
        found = read(mail_id)
        journal.begin([mail_id])
        return found

    monkeypatch.setattr(control, "_read", read_too_early)

    control.cancel("m")
    assert redis.hget("postroom:mail:m", "state") == b"sending"


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


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_nothing_is_done_to_a_mail_whose_record_somebody_wrote_into(
    redis: Redis, journal: Journal, control: Control, damage: Callable[[Redis, str], None]
) -> None:
    journal.accept([ENTRY])
    damage(redis, "m")
    before = redis.dump("postroom:mail:m")

    assert control.cancel("m") is None
    assert control.resend(ENTRY, recipients=2)[0] in {Resend.MISSING, Resend.ON_ITS_WAY}
    assert redis.dump("postroom:mail:m") == before


@pytest.mark.parametrize(("name", "value"), [("history", "7"), ("progress", "[7]"), ("history", "canary")])
def test_what_was_tried_of_a_mail_cannot_be_read_either(
    redis: Redis, journal: Journal, control: Control, name: str, value: str
) -> None:
    journal.accept([ENTRY])
    redis.hset("postroom:mail:m", name, value)

    assert control.cancel("m") is None
    assert redis.hget("postroom:mail:m", "state") == b"queued"


def test_parameters_that_are_nested_without_end_are_cancelled_like_any_that_cannot_be_read(
    redis: Redis, journal: Journal, control: Control
) -> None:
    journal.accept([ENTRY])
    redis.hset("postroom:mail:m", "payload", "[" * 100_000)

    control.cancel("m")

    assert redis.hget("postroom:mail:m", "state") == b"cancelled"


def test_a_mail_of_a_lane_that_is_none_is_not_opened_again(
    redis: Redis, journal: Journal, control: Control
) -> None:
    settle(journal, MailState.NOT_SENT, S.NOT_SENT, S.NOT_SENT)
    redis.hset("postroom:mail:m", "lane", "express")

    assert control.resend(ENTRY, recipients=2)[0] is Resend.MISSING
    assert redis.hget("postroom:mail:m", "state") == b"not_sent"
