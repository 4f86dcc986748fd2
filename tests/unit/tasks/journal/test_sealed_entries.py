"""Sealed mails in the journal: what is stored, and how a key finds its first mail after a rotation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from tasks.contract.result import Delivery, SendEmailResult
from tasks.contract.status import MailState
from tasks.contract.validation import parse
from tasks.journal.blobs import BlobStore
from tasks.journal.control import Control, Resend
from tasks.journal.entries import Entry
from tasks.journal.records import Acceptance, Claim
from tasks.journal.sealing import SEALED, Seal, generate_key
from tasks.journal.settlement import Settlement

if TYPE_CHECKING:
    from redis import Redis

    from tasks.journal.journal import Journal

OLD, NEW, FOREIGN = (SecretStr(generate_key()) for _ in range(3))
MAIL: dict[str, Any] = {"to": "canary@x.org", "subject": "canary", "body": "b", "idempotency_key": "canary"}
FAILED = SendEmailResult(
    success=False, code=550, message="no", delivery=Delivery.NOT_SENT, retryable=False, source="server"
)


def entry(mail_id: str, *keys: SecretStr, **parameters: Any) -> Entry:
    return Entry.of(mail_id, "default", parse({**MAIL, **parameters}), seal=Seal(keys))


def everything(redis: Redis) -> bytes:
    return b"\n".join(key + redis.dump(key) for key in redis.scan_iter())


def test_a_sealed_mail_leaves_nothing_to_read(journal: Journal, redis: Redis) -> None:
    journal.accept([entry("m", OLD)])

    assert b"canary" not in everything(redis)
    payload = json.loads(redis.hget("postroom:mail:m", "payload"))
    assert Seal([OLD]).open("m", payload[SEALED])["subject"] == "canary"


def test_without_a_seal_it_could_be_read(journal: Journal, redis: Redis) -> None:
    """The test above would pass, too, if it looked in the wrong place."""
    journal.accept([Entry.of("m", "default", parse(MAIL))])

    assert b"canary" in everything(redis)


@pytest.mark.parametrize(
    ("first", "second"),
    [([OLD], [OLD]), ([OLD], [NEW, OLD]), ([OLD, NEW], [NEW, OLD]), ([NEW, OLD], [OLD, NEW])],
    ids=["same key", "rotated", "half rotated", "half rotated, the other way"],
)
@pytest.mark.parametrize(
    ("subject", "outcome"), [("canary", Acceptance.SAME), ("other", Acceptance.CONFLICT)]
)
def test_a_key_finds_its_first_mail_under_any_common_key(
    journal: Journal, first: list[SecretStr], second: list[SecretStr], subject: str, outcome: Acceptance
) -> None:
    journal.accept([entry("first", *first)])

    [answer] = journal.accept([entry("second", *second, subject=subject)])

    assert (answer.outcome, answer.mail_id) == (outcome, "first")
    assert journal.look_up(["second"]) == [None]


def test_a_mail_without_a_key_of_its_own_is_new_whatever_the_seal(journal: Journal) -> None:
    outcomes = journal.accept([entry(i, NEW, OLD, idempotency_key=None) for i in ("first", "second")])

    assert [answer.outcome for answer in outcomes] == [Acceptance.ACCEPTED] * 2


@pytest.mark.parametrize(
    ("keys", "subject", "outcome"),
    [([NEW, OLD], "canary", Resend.QUEUED), ([OLD], "other", Resend.DIFFERENT)],
    ids=["rotated", "another mail"],
)
def test_a_sealed_mail_is_opened_again_with_its_own_parameters_only(
    journal: Journal, redis: Redis, keys: list[SecretStr], subject: str, outcome: Resend
) -> None:
    journal.accept([entry("m", OLD)])
    [claim] = journal.begin(["m"])
    assert isinstance(claim, Claim)
    journal.finish([Settlement.of(claim, MailState.NOT_SENT, FAILED)])

    answer = Control(redis).resend(entry("m", *keys, subject=subject), recipients=1)

    assert answer == (outcome, "default")


@pytest.mark.parametrize(
    ("seal", "address"),
    [(Seal([NEW, OLD]), ["c***@x.org"]), (Seal([FOREIGN]), []), (None, [])],
    ids=["a key", "a foreign key", "no key"],
)
def test_a_sealed_mail_can_be_cancelled_and_names_its_recipients_to_those_with_a_key(
    journal: Journal, redis: Redis, seal: Seal | None, address: list[str]
) -> None:
    journal.accept([entry("m", OLD)])

    Control(redis, seal=seal).cancel("m")

    [record] = journal.look_up(["m"])
    assert record is not None
    assert record.result is not None
    assert record.state is MailState.CANCELLED
    assert [outcome.address for outcome in record.result.recipients] == address


def test_sealed_bytes_are_found_again_after_a_rotation_and_cannot_be_read(redis: Redis) -> None:
    digest = BlobStore(redis, seal=Seal([OLD])).put(b"canary")

    stored = everything(redis)
    assert b"canary" not in stored
    assert digest.encode() not in stored
    assert BlobStore(redis, seal=Seal([NEW, OLD])).get(digest) == b"canary"
    assert BlobStore(redis, seal=Seal([NEW])).get(digest) is None
    assert BlobStore(redis).get(digest) is None


def test_bytes_that_were_stored_plain_are_found_by_those_with_a_key(redis: Redis) -> None:
    digest = BlobStore(redis).put(b"bytes")

    assert BlobStore(redis, seal=Seal([OLD])).get(digest) == b"bytes"


def test_bytes_that_somebody_put_in_the_place_of_sealed_ones_are_no_bytes(redis: Redis) -> None:
    store = BlobStore(redis, seal=Seal([OLD]))
    digest = store.put(b"bytes")
    [name] = redis.keys()
    redis.set(name, b"others")

    assert store.get(digest) is None
