"""Mails are judged before anything is queued, and what passes is what the contract accepts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from producers.integrations.client import Client
from producers.integrations.failures import Misconfigured, Refused
from producers.integrations.mails import File, Mail
from tasks.contract.errors import InvalidInput
from tasks.contract.validation import parse

GOOD: dict[str, Any] = {"to": "ann@example.org", "subject": "Hello", "body": "How are you?"}


@pytest.fixture
def client() -> Client:
    return Client(broker_url="redis://127.0.0.1:1/0", max_attachment_bytes=100)


def problems(client: Client, **fields: Any) -> list[str]:
    with pytest.raises(Refused) as refused:
        client.write([Mail(**{**GOOD, **fields})])
    return list(refused.value.problems)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"to": []}, "to: names nobody"),
        ({"to": "", "bcc": ["ann@example.org"]}, "to: names nobody"),
        ({"to": "ann"}, "to: entry 1 is not one email address"),
        ({"to": "ann@example.org;bob@example.org"}, "to: entry 1 is not one email address"),
        ({"to": "ann@example.org, bob@example.org"}, "to: entry 1 is not one email address"),
        ({"to": ["a@b.cd", "x@y.z\nBcc: all@b.cd"]}, "to: entry 2 contains control characters"),
        ({"sender": "desk"}, "sender: entry 1 is not one email address"),
        ({"cc": ["a@b.cd"] * 100}, "to, cc, bcc: have more than 100 recipients"),
        ({"subject": " "}, "subject: is blank"),
        ({"subject": "a\r\nBcc: b@c.de"}, "subject: contains line breaks"),
        ({"subject": "a" * 999}, "subject: has 999 characters"),
        ({"body": ""}, "body: is empty"),
        ({"body": "\0"}, "body: contains characters that cannot be sent"),
        ({"headers": {"Message-ID": "<1@b.cd>"}}, "headers: Message-ID may not be set; use X-*"),
        ({"headers": {"X-A": "b\nc"}}, "headers: X-A must be one line"),
        ({"headers": {"X A": "b"}}, "headers: a name is no header name"),
        ({"timeout": 5}, "timeout: must be 1000 to 3600000, in milliseconds"),
        ({"idempotency_key": "a b"}, "idempotency_key: must be 1 to 255 printable"),
        ({"expires_at": datetime(2030, 1, 31)}, "expires_at: has no offset"),  # noqa: DTZ001 (that is wrong)
        ({"expires_at": "tomorrow"}, "expires_at: has no offset"),
        ({"lane": "fast"}, "lane: is unknown; must be one of reset, default, bulk"),
        ({"more": {"subjekt": "Hello"}}, "subjekt: is an unknown field; known are account"),
        ({"attachments": [File("a/b", b"")]}, "attachments: entry 1 has a name that cannot be used"),
        ({"attachments": [("a" * 256, b"")]}, "attachments: entry 1 has a long name"),
        ({"attachments": [("a", b"x" * 101)]}, "attachments: have 0.0 MiB together and may have 0.0"),
        ({"attachments": [("a", b"")] * 21}, "attachments: are more than 20"),
        ({"attachments": [("a", "text")]}, "attachments: entry 1 is no bytes"),
    ],
)
def test_what_is_wrong_is_said(client: Client, fields: dict[str, Any], said: str) -> None:
    [problem] = problems(client, **fields)

    assert problem.startswith(said)


def test_everything_that_is_wrong_is_said_at_once_and_with_its_mail(client: Client) -> None:
    mails = [Mail(**GOOD), Mail(**{**GOOD, "to": "ann", "subject": ""})]

    with pytest.raises(Refused) as refused:
        client.write(mails)

    assert [problem.partition(" is")[0] for problem in refused.value.problems] == [
        "mail 2: to: entry 1",
        "mail 2: subject:",
    ]
    assert "ann" not in str(refused.value).replace("cannot", "")


@pytest.mark.parametrize(
    "address",
    [
        "Ann <ann@example.org>",
        '"Doe; Jane @ home" <j@x.org>',
        '"a b"@x.org',
        "ann@bücher.example",
        "a.b+c@x.co",
    ],
)
def test_addresses_of_every_usual_kind_pass_here_and_in_the_contract(client: Client, address: str) -> None:
    [letter] = client.write([Mail(**{**GOOD, "to": address})])

    assert len(parse(letter.fields).to) == 1


def test_a_letter_says_everything_that_a_mail_has_as_the_contract_wants_it(client: Client) -> None:
    mail = Mail(
        to=["ann@example.org", "bob@example.org"],
        subject="Hello",
        body="text",
        html="<p>text</p>",
        cc="cy@example.org",
        bcc=["di@example.org"],
        reply_to="desk@example.org",
        sender="Shop <shop@example.org>",
        headers={"X-Order": "1"},
        attachments=["stored:" + "0" * 64 + "/a.pdf", File("b.pdf", b"b")],
        lane="bulk",
        account="shop",
        timeout=5000,
        idempotency_key="order-1",
        expires_at=datetime(2030, 1, 31, tzinfo=UTC),
        metadata={"reference": "order-1"},
        more={"encoding": "iso-8859-1"},
    )

    [letter] = client.write([mail])
    request = parse(letter.with_references(["stored:" + "1" * 64 + "/b.pdf"]))

    assert letter.lane == "bulk"
    assert (request.body, request.text_body, request.email_format) == ("<p>text</p>", "text", "html")
    assert [len(boxes) for boxes in (request.to, request.cc, request.bcc, request.reply_to)] == [2, 1, 1, 1]
    assert [name.rpartition("/")[2] for name in request.attachments] == ["a.pdf", "b.pdf"]
    assert (request.account, request.timeout, request.encoding) == ("shop", 5000, "iso-8859-1")
    assert (request.idempotency_key, request.expires_at) == ("order-1", mail.expires_at)
    assert (request.headers, request.metadata) == ({"X-Order": "1"}, {"reference": "order-1"})


def test_what_a_mail_leaves_open_is_as_the_settings_say() -> None:
    client = Client(broker_url="redis://127.0.0.1:1/0", lane="bulk", account="shop", timeout="5000")

    [plain, own] = client.write([Mail(**GOOD), Mail(**GOOD, lane="reset", account="desk", timeout=9000)])

    assert (plain.lane, plain.fields["account"], plain.fields["timeout"]) == ("bulk", "shop", 5000)
    assert (own.lane, own.fields["account"], own.fields["timeout"]) == ("reset", "desk", 9000)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "set either broker_url"),
        ({"broker_url": "redis://a", "gateway_url": "http://b"}, "set either broker_url"),
        ({"broker_url": "sentinel://a;sentinel://b"}, "broker_url: sentinel is no scheme"),
        ({"broker_url": "127.0.0.1:6379"}, "broker_url: it is no scheme"),
        ({"broker_url": "amqp://a"}, "journal_url: must be redis://"),
        ({"gateway_url": "post.example.com", "api_key": "k"}, "gateway_url: is no URL of a gateway"),
        ({"gateway_url": "http://b:port", "api_key": "k"}, "gateway_url: is no URL"),
        ({"gateway_url": "http://b"}, "api_key: is missing"),
        ({"gateway_url": "http://b", "api_key": "k\n"}, "api_key: is missing or no API key"),
        ({"gateway_url": "http://b", "api_key_file": "/nowhere"}, "api_key_file: cannot be read"),
        ({"gateway_url": "http://b", "api_key": "k", "give_up_after": "0"}, "give_up_after: must be"),
        ({"broker_url": "redis://a", "lane": "fast"}, "lane: must be one of"),
        ({"broker_url": "redis://a", "timeout": "1s"}, "timeout: is no whole number"),
        ({"broker_url": "redis://a", "timeout": 0}, "timeout: must be 1000 to 3600000"),
    ],
)
def test_settings_that_cannot_work_are_told_before_the_first_mail(
    settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(Misconfigured, match=said):
        Client(**settings)


def test_no_secret_is_in_a_text(client: Client) -> None:
    with pytest.raises(Misconfigured) as wrong:
        Client(broker_url="http://:hunter2@a/0")
    [letter] = client.write([Mail(**GOOD)])

    assert "hunter2" not in str(wrong.value)
    assert "ann@" not in repr(Mail(**GOOD)) + repr(letter) + repr(File("ann@", b"ann@"))


def test_what_the_contract_still_refuses_becomes_a_result() -> None:
    """The file does not know everything; the worker or the gateway says the rest."""
    with pytest.raises(InvalidInput):
        parse({**GOOD, "to": ["ann@localhost"]})
