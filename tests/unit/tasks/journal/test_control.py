"""Mails are cancelled while they wait, and sent once more to those who have no copy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tasks.contract.result import Delivery, RecipientState
from tasks.contract.status import MailState
from tasks.journal.control import Control, Resend
from tasks.journal.entries import Entry
from tasks.journal.records import Hindrance, Refusal
from tasks.journal.sealing import Seal, generate_key
from tasks.journal.sealing_keys import parse_keys
from tests.damages import DAMAGES
from tests.unit.tasks.journal.settled import (
    ACCEPTED,
    ENTRY,
    OPEN,
    REFUSED,
    REQUEST,
    SUSPECT,
    S,
    accept_and_begin,
    wait_for_retry,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from tasks.journal.journal import Journal


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
