"""Sealed mails in a worker: opened with its keys, refused in words without, and never plain in Redis."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from tasks.contract.codes import LocalCode, Phase
from tasks.delivery.job import Job, PutBack, Settled
from tasks.failures import Reply, TransientFailure
from tasks.journal.entries import Entry
from tasks.journal.records import Acceptance
from tasks.journal.sealing import SEALED, Seal, generate_key

if TYPE_CHECKING:
    from tasks.contract.result import SendEmailResult

OLD, NEW, FOREIGN = (SecretStr(generate_key()) for _ in range(3))
SEAL = Seal([OLD])
MAIL: dict[str, Any] = {"to": "canary@example.org", "subject": "canary", "body": "https://x.org/canary"}


def sealed(mail_id: str = "m1", *, seal: Seal = SEAL, **parameters: Any) -> dict[str, Any]:
    return {SEALED: seal.seal(mail_id, json.dumps({**MAIL, **parameters}))}


def deliver(desk: Any, parameters: dict[str, Any], mail_id: str = "m1") -> Any:
    [verdict] = desk.service().deliver([Job(mail_id, "default", parameters)])
    return verdict


def result(verdict: Any) -> SendEmailResult:
    assert isinstance(verdict, Settled)
    return verdict.result


def kept(desk: Any) -> bytes:
    return b"\n".join(
        b" ".join(text for pair in desk.redis.hgetall(key).items() for text in pair)
        for key in desk.redis.scan_iter(_type="hash")
    )


def test_a_sealed_mail_is_sent_as_a_plain_one_is(desk: Any) -> None:
    desk.seal = SEAL

    assert result(deliver(desk, sealed())).code == 250
    assert desk.transport.recipients == [("canary@example.org",)]


def test_a_mail_that_was_sealed_before_the_rotation_is_sent(desk: Any) -> None:
    desk.seal = Seal([NEW, OLD])

    assert result(deliver(desk, sealed())).success


@pytest.mark.parametrize(
    ("keys", "mail_id", "parameters", "said"),
    [
        ([FOREIGN], "m1", sealed(), "POSTROOM_SEALING_KEYS"),
        ([OLD], "m2", sealed("m1"), "belong to another task id"),
        ([OLD], "m1", {SEALED: sealed()[SEALED][:-4] + "AAA="}, "were changed"),
        ([OLD], "m1", {SEALED: ""}, "cannot be opened"),
        ([], "m1", sealed(), "has no key: set POSTROOM_SEALING_KEYS"),
    ],
    ids=["foreign key", "replayed under another id", "changed", "empty", "no key"],
)
def test_what_cannot_be_opened_is_a_result_that_says_what_to_do(
    desk: Any, keys: list[SecretStr], mail_id: str, parameters: dict[str, Any], said: str
) -> None:
    desk.seal = Seal(keys) if keys else None

    outcome = result(deliver(desk, parameters, mail_id))

    assert (outcome.code, outcome.retryable) == (LocalCode.INVALID_INPUT, False)
    assert "the sealed parameters cannot be opened" in outcome.message
    assert said in outcome.message
    assert desk.transport.tried == []


@pytest.mark.parametrize(
    "parameters", [{SEALED: 5}, {**sealed(), "to": "ann@example.org"}], ids=["no text", "and more"]
)
def test_what_only_looks_sealed_is_an_unknown_field(desk: Any, parameters: dict[str, Any]) -> None:
    desk.seal = SEAL

    outcome = result(deliver(desk, parameters))

    assert outcome.code == LocalCode.INVALID_INPUT
    assert '"sealed"' in outcome.message


def test_sealed_parameters_that_are_invalid_are_named_as_plain_ones_are(desk: Any) -> None:
    desk.seal = SEAL

    outcome = result(deliver(desk, sealed(subject="")))

    assert outcome.code == LocalCode.INVALID_INPUT
    assert outcome.message.startswith("Subject")


def test_plain_parameters_are_accepted_unless_the_operator_says_otherwise(desk: Any) -> None:
    desk.seal = SEAL

    assert result(deliver(desk, MAIL)).success


def test_plain_parameters_are_refused_where_sealed_ones_are_required(desk: Any) -> None:
    desk.seal, desk.is_seal_required = SEAL, True

    refused, sent = deliver(desk, MAIL, "m1"), deliver(desk, sealed("m2"), "m2")

    assert result(refused).code == LocalCode.POLICY
    assert "not sealed" in result(refused).message
    assert result(sent).success
    assert len(desk.transport.tried) == 1


def test_a_refused_plain_mail_is_not_accepted_later_because_a_copy_was_sealed(desk: Any) -> None:
    """A worker that dies between taking in and refusing leaves its record to the sweeper."""
    desk.seal, desk.is_seal_required = SEAL, True
    entry = desk.service().preparation.sealing.entry(Job("m1", "default", MAIL))
    desk.journal.accept([entry])

    assert "canary" not in entry.payload
    assert result(deliver(desk, json.loads(entry.payload))).code == LocalCode.POLICY


@pytest.mark.parametrize(
    "parameters", [MAIL, {**MAIL, "timeout": 5}, {"args": ["canary"]}], ids=["valid", "invalid", "arguments"]
)
def test_what_came_plain_is_sealed_before_it_is_recorded(desk: Any, parameters: dict[str, Any]) -> None:
    """The journal has it only for as long as the worker needs to find an error, or to die."""
    desk.seal = SEAL

    entry = desk.service().preparation.sealing.entry(Job("m1", "default", parameters))

    assert "canary" not in entry.payload
    assert SEAL.open("m1", json.loads(entry.payload)[SEALED])


@pytest.mark.parametrize(
    "parameters", [MAIL, {**MAIL, "timeout": 5}, sealed(), sealed(idempotency_key="canary")]
)
def test_a_mail_that_waits_for_its_next_attempt_is_not_readable(
    desk: Any, parameters: dict[str, Any]
) -> None:
    desk.seal = SEAL
    desk.transport.answers = [TransientFailure(Reply(451, "later"), Phase.MAIL, retry_after=20.0)]

    verdict = deliver(desk, parameters)

    assert isinstance(verdict, PutBack) or result(verdict).code == LocalCode.INVALID_INPUT
    assert b"canary" not in kept(desk)


def test_what_a_server_quotes_of_a_mail_is_not_kept_either(desk: Any) -> None:
    quote = Reply(451, "<canary@example.org> https://x.org/canary: later")
    desk.seal = SEAL
    desk.transport.answers = [
        TransientFailure(quote, Phase.RCPT, retry_after=20.0, recipients={"canary@example.org": quote})
    ]

    assert isinstance(deliver(desk, sealed()), PutBack)
    assert b"later" in kept(desk)
    assert b"canary" not in kept(desk)


def test_a_mail_that_was_put_back_is_opened_again(desk: Any) -> None:
    desk.seal = SEAL
    later = TransientFailure(Reply(451, "later"), Phase.MAIL, retry_after=20.0)
    desk.transport.answers = [later, desk.transport.answers[0]]
    deliver(desk, sealed())
    payload = json.loads(desk.redis.hget("postroom:mail:m1", "payload"))
    desk.redis.hset("postroom:mail:m1", "due", 0)

    assert result(deliver(desk, payload)).success


def test_a_sealed_mail_by_name_finds_the_first_one_of_its_key(desk: Any) -> None:
    desk.seal = Seal([NEW, OLD])
    first = deliver(desk, sealed(idempotency_key="k"))

    assert deliver(desk, sealed("m2", seal=Seal([NEW]), idempotency_key="k"), "m2") == first
    assert deliver(desk, {**MAIL, "idempotency_key": "k"}, "m3") == first
    assert len(desk.transport.tried) == 1


def test_a_mail_that_a_producer_recorded_is_the_same_to_the_worker(desk: Any) -> None:
    desk.seal = SEAL
    request_entry = desk.service().preparation.sealing.entry(Job("m1", "default", MAIL))
    assert isinstance(request_entry, Entry)
    [accepted] = desk.journal.accept([request_entry])

    assert accepted.outcome is Acceptance.ACCEPTED
    assert result(deliver(desk, json.loads(request_entry.payload))).success
