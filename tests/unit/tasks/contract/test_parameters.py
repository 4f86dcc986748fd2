"""A parsed mail: what it shows of itself, and how it travels."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from tasks.contract.parameters import SendEmail
from tasks.contract.schema import send_email_schema
from tasks.contract.validation import parse
from tasks.contract.wire import to_json

MAIL: dict[str, Any] = {"to": "jane@example.com", "subject": "Hello", "body": "Text"}
SCHEMA = Draft202012Validator(send_email_schema())

FULL: dict[str, Any] = {
    "smtp_authentication": "tls",
    "smtp_host": "SMTP.example.com",
    "smtp_port": "587",
    "user_name": "canary-user@example.com",
    "smtp_ssl_trust": "B.example a.example",
    "to": 'Canary Doe <canary-to@example.com>; "Roe; R" <r@example.com>',
    "cc": ["canary-cc@example.com"],
    "bcc": "canary-bcc@example.com",
    "subject": "canary-subject",
    "body": "canary-body",
    "attachments": "canary-file.pdf",
    "timeout": "30000",
    "email_format": "HTML",
    "encoding": "latin1",
    "account": "main",
    "sender": "Canary Sender <canary-sender@example.com>",
    "reply_to": "canary-reply@example.com",
    "text_body": "canary-text",
    "headers": {"X-A": "canary-header"},
    "idempotency_key": "canary-key",
    "expires_at": "2030-01-31T14:00:00.5+02:00",
    "on_unknown": "Resend",
    "metadata": {"a": "canary-metadata"},
}


def test_a_mail_travels_in_its_canonical_form() -> None:
    message = parse(FULL).to_message()

    assert message == {
        **FULL,
        "smtp_authentication": "TLS",
        "smtp_host": "smtp.example.com",
        "smtp_port": 587,
        "smtp_ssl_trust": "a.example b.example",
        "to": ['"Canary Doe" <canary-to@example.com>', '"Roe; R" <r@example.com>'],
        "bcc": ["canary-bcc@example.com"],
        "attachments": ["canary-file.pdf"],
        "timeout": 30000,
        "email_format": "html",
        "encoding": "iso-8859-1",
        "sender": '"Canary Sender" <canary-sender@example.com>',
        "reply_to": ["canary-reply@example.com"],
        "expires_at": "2030-01-31T12:00:00.500000+00:00",
        "on_unknown": "resend",
    }
    assert json.loads(json.dumps(message)) == message


def test_the_full_mail_uses_every_field() -> None:
    assert set(FULL) == set(SendEmail.model_fields)


def test_neither_repr_nor_str_shows_what_is_private() -> None:
    mail = parse(FULL)

    for shown in (repr(mail), str(mail), f"{mail}", repr(list(mail.__repr_args__()))):
        assert "canary" not in shown.lower()
        assert "30000" in shown


def test_an_error_of_the_model_itself_shows_no_input() -> None:
    with pytest.raises(ValidationError) as caught:
        SendEmail(**{**MAIL, "subject": "canary\ncanary"})

    assert "canary" not in str(caught.value)


def test_the_model_itself_refuses_what_is_no_mapping() -> None:
    with pytest.raises(ValidationError):
        SendEmail.model_validate(["to"])


def test_a_mail_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        parse(MAIL).subject = "Other"  # type: ignore[misc]  # what the test is about


def test_a_mail_survives_a_pickle() -> None:
    mail = parse(FULL)

    assert pickle.loads(pickle.dumps(mail)) == mail  # noqa: S301  # our own bytes


def test_the_defaults_are_the_page_s() -> None:
    mail = parse(MAIL)

    assert (mail.timeout, mail.timeout_seconds) == (60_000, 60.0)
    assert (mail.email_format, mail.encoding) == ("plain", "utf-8")
    assert mail.expires_at is None


def test_the_canonical_bytes_do_not_depend_on_spelling_or_key() -> None:
    one = parse({**MAIL, "idempotency_key": "a", "to": "jane@Example.COM;", "timeout": "60000", "cc": ""})
    other = parse({"Body": "Text", "Subject": " Hello ", "to": ["jane@example.com"], "idempotency_key": "b"})

    assert one.canonical() == other.written().canonical


@pytest.mark.parametrize("field", sorted(set(FULL) - {"idempotency_key"}))
def test_the_canonical_bytes_depend_on_every_field_but_the_key(field: str) -> None:
    changed: dict[str, Any] = {
        "smtp_authentication": "ssl",
        "smtp_port": 25,
        "timeout": 5000,
        "email_format": "html",
        "encoding": "koi8-r",
        "expires_at": datetime(2031, 1, 1, tzinfo=UTC),
        "on_unknown": "report",
        "headers": {"X-A": "other"},
        "metadata": {"a": "other"},
        "text_body": "other",
    }
    base = {**FULL, "email_format": "html"}
    if field == "email_format":
        base.pop("text_body")
        changed["email_format"] = "plain"
    value = changed.get(field, "other.example" if field.startswith("smtp") else "other@example.org")

    assert parse({**base, field: value}).canonical() != parse(base).written().canonical


def test_the_payload_is_what_travels_in_the_order_that_was_given() -> None:
    one, other = (
        parse({**MAIL, "headers": headers})
        for headers in ({"X-A": "1", "X-B": "ä"}, {"X-B": "ä", "X-A": "1"})
    )

    assert json.loads(one.written().payload) == one.to_message()
    assert list(json.loads(other.written().payload)["headers"]) == ["X-B", "X-A"]
    assert one.canonical() == other.written().canonical


def test_an_explicit_null_authentication_is_another_mail() -> None:
    assert parse({**MAIL, "smtp_authentication": None}).canonical() != parse(MAIL).written().canonical


def test_a_text_body_beside_plain_text_is_refused() -> None:
    with pytest.raises(ValueError, match="no effect beside a plain text body"):
        parse({**MAIL, "text_body": "x"})


def test_text_of_a_subclass_becomes_plain_text() -> None:
    class SafeString(str):
        __slots__ = ()

    mail = parse({**MAIL, "body": SafeString("x"), "subject": SafeString("y"), "to": SafeString("a@x.com")})

    assert type(mail.body) is str
    assert type(mail.subject) is str


def test_a_value_of_no_field_has_no_json_form() -> None:
    with pytest.raises(TypeError, match="holds a complex"):
        to_json(1j)


texts = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=20).map("x{}".format)
addresses = st.sampled_from(
    ["a@x.com", "Jane <j@x.com>", '"D; J" <d@x.com>', "ü@x.com", "a@ü.com", '"a b"@x.com', "A@X.com"]
)
lists = st.lists(addresses, max_size=3) | st.lists(addresses, max_size=3).map(";".join)
messages = st.fixed_dictionaries(
    {
        "to": st.lists(addresses, min_size=1, max_size=3),
        "subject": texts,
        "body": texts,
        "email_format": st.sampled_from(["html", "HTML", "Text"]),
    },
    optional={
        "smtp_authentication": st.sampled_from([None, "tls", "SSL", "starttls"]),
        "smtp_host": st.sampled_from([None, "A.b.", "[::1]", "ü.de"]),
        "smtp_port": st.none() | st.integers(1, 65535) | st.integers(1, 65535).map(str),
        "user_name": texts,
        "smtp_ssl_trust": st.sampled_from(["*", "a;b", "sha256:" + "ab" * 32, "ca:x.pem", ""]),
        "cc": lists,
        "bcc": lists,
        "attachments": st.lists(texts, max_size=3) | texts,
        "timeout": st.integers(1000, 3_600_000),
        "encoding": st.sampled_from(["utf8", "latin1", None]),
        "sender": addresses,
        "reply_to": lists,
        "text_body": texts,
        "headers": st.dictionaries(st.sampled_from(["X-A", "references", "X-b"]), texts),
        "idempotency_key": st.from_regex(r"[!-~]{1,9}", fullmatch=True),
        "expires_at": st.floats(1e9, 1e10)
        | st.datetimes(timezones=st.just(UTC), min_value=datetime(2001, 1, 1)),  # noqa: DTZ001  # hypothesis wants naive bounds
        "metadata": st.dictionaries(texts, texts, max_size=3),
    },
)


def parsed(message: dict[str, Any]) -> SendEmail | None:
    try:
        return parse(message)
    except ValueError:
        return None


@given(messages.map(parsed).filter(lambda mail: mail is not None))
def test_what_travels_is_read_back_as_the_same_mail(mail: SendEmail) -> None:
    message = mail.to_message()
    again = parse(json.loads(json.dumps(message)))

    assert again == mail
    assert again.to_message() == message
    assert again.canonical() == mail.written().canonical
    assert SCHEMA.is_valid(message)
