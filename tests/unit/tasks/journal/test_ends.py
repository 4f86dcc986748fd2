"""Whoever asked to be told of a mail's end finds it in the stream, once for each end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from tasks.contract.result import Delivery, RecipientOutcome, RecipientState, SendEmailResult
from tasks.contract.status import MailState
from tasks.contract.validation import parse
from tasks.journal.control import Control, Resend
from tasks.journal.entries import Entry
from tasks.journal.keys import ENDED
from tasks.journal.records import Claim
from tasks.journal.settlement import Settlement

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from tasks.journal.journal import Journal


REQUEST = parse({"to": "ann@x.org", "subject": "s", "body": "b"})
REFUSED = SendEmailResult(
    success=False,
    code=550,
    message="no",
    delivery=Delivery.NOT_SENT,
    retryable=False,
    source="server",
    recipients=(RecipientOutcome(address="*", state=RecipientState.REFUSED, code=550, message="no"),),
)


def entry(mail_id: str = "m", *, notify: str = "shop") -> Entry:
    made = Entry.of(mail_id, "bulk", REQUEST)
    return Entry(made.mail_id, made.lane, made.payload, made.key, made.fingerprint, notify=notify)


def begin(journal: Journal, mail_id: str = "m") -> Claim:
    [claim] = journal.begin([mail_id])
    assert isinstance(claim, Claim)
    return claim


def ends(redis: Redis) -> list[dict[str, str]]:
    found = cast("list[tuple[bytes, dict[bytes, bytes]]]", redis.xrange(ENDED))
    return [{name.decode(): value.decode() for name, value in fields.items()} for _, fields in found]


def test_an_end_is_noted_with_the_record_as_it_is_then(journal: Journal, redis: Redis) -> None:
    journal.accept([entry()])
    claim = begin(journal)
    assert ends(redis) == []

    journal.finish([Settlement.of(claim, MailState.NOT_SENT, REFUSED)])

    [end] = ends(redis)
    assert (end["mail"], end["notify"], end["state"], end["lane"]) == ("m", "shop", "not_sent", "bulk")
    assert end["fence"] == str(claim.fence)
    assert SendEmailResult.model_validate_json(end["result"]) == REFUSED
    assert not end["payload"]


def test_nothing_is_noted_where_nobody_asked(journal: Journal, redis: Redis) -> None:
    journal.accept([entry("a", notify=""), entry("b", notify="")])
    journal.finish([Settlement.of(begin(journal, "a"), MailState.NOT_SENT, REFUSED)])
    Control(redis).cancel("b")

    assert not redis.exists(ENDED)
    assert redis.hget("postroom:mail:a", "notify") is None


def test_a_wait_is_no_end(journal: Journal, redis: Redis) -> None:
    journal.accept([entry()])
    claim = begin(journal)

    journal.mark([claim], ["[]"])
    journal.postpone(claim, wait=60.0, history="[]", progress="[]")

    assert ends(redis) == []


def test_a_cancelled_mail_has_ended(journal: Journal, redis: Redis) -> None:
    journal.accept([entry()])

    Control(redis).cancel("m")
    Control(redis).cancel("m")

    [end] = ends(redis)
    assert (end["mail"], end["state"], end["notify"]) == ("m", "cancelled", "shop")


def test_a_mail_that_is_sent_again_ends_again_under_another_fence(journal: Journal, redis: Redis) -> None:
    journal.accept([entry()])
    Control(redis).cancel("m")

    assert Control(redis).resend(entry(), recipients=1)[0] is Resend.QUEUED
    Control(redis).cancel("m")
    Control(redis).resend(entry(), recipients=1)
    journal.finish([Settlement.of(begin(journal), MailState.NOT_SENT, REFUSED)])

    assert [end["state"] for end in ends(redis)] == ["cancelled", "cancelled", "not_sent"]
    assert len({end["fence"] for end in ends(redis)}) == 3


def test_who_lost_the_lease_ends_nothing(redis: Redis, journal_with: Callable[..., Any]) -> None:
    journal = journal_with(lease=0.0)
    journal.accept([entry()])
    late, current = begin(journal), begin(journal)

    assert journal.finish([Settlement.of(late, MailState.NOT_SENT, REFUSED)]) == [False]
    assert ends(redis) == []
    journal.finish([Settlement.of(current, MailState.NOT_SENT, REFUSED)])

    assert [end["fence"] for end in ends(redis)] == [str(current.fence)]


def test_the_second_mail_of_an_idempotency_key_is_told_as_the_first(journal: Journal, redis: Redis) -> None:
    first, again = Entry("a", "bulk", "{}", "k", "f", notify="shop"), Entry("b", "bulk", "{}", "k", "f")
    journal.accept([first])

    [answer] = journal.accept([again])

    assert answer.mail_id == "a"
    assert redis.hget("postroom:mail:a", "notify") == b"shop"
