from __future__ import annotations

import email
import re
from datetime import UTC, datetime
from email.policy import default
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tasks.contract.codes import LocalCode
from tasks.contract.parameters import SendEmail
from tasks.failures import PermanentFailure
from tasks.message.attachments import Attachment
from tasks.message.compose import compose
from tasks.message.identity import Identity

if TYPE_CHECKING:
    from tasks.envelope import Envelope

IDENTITY = Identity.of("one", datetime(2026, 11, 22, 18, 0, tzinfo=UTC), "example.com")
WIRE = re.compile(rb"(?:[^\r\n\0]{0,998}\r\n)*")
HEADERS = {
    *("from", "to", "cc", "reply-to", "subject", "date", "message-id", "mime-version", "x-test"),
    *("content-type", "content-transfer-encoding"),
}
PDF = Attachment("report.pdf", "application/pdf", b"%PDF")
LARGE = Attachment("report.pdf", "application/pdf", b"%PDF" * 25_000)

subjects = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=200
).filter(str.strip)
bodies = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=300)
encodings = st.sampled_from(
    ["utf-8", "us-ascii", "latin1", "windows-1252", "iso-2022-jp", "shift_jis", "gb18030", "koi8-r"]
)


def _mail(**fields: Any) -> SendEmail:
    values = {"to": "Ann <ann@example.org>", "subject": "Hello", "body": "Body", "sender": "post@example.com"}
    return SendEmail.model_validate(values | fields)


def _compose(mail: SendEmail, **options: Any) -> Envelope:
    assert mail.sender is not None
    envelope = compose(mail, sender=mail.sender, identity=IDENTITY, **options)
    assert all(map(WIRE.fullmatch, (envelope.content, *envelope.files)))
    assert _whole(envelope).isascii()
    return envelope


def _whole(envelope: Envelope) -> bytes:
    return b"".join([envelope.content, *envelope.files])


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n")


@settings(max_examples=100, deadline=None)
@given(subject=subjects, body=bodies, encoding=encodings, email_format=st.sampled_from(["plain", "html"]))
def test_a_reader_gets_what_was_given(subject: str, body: str, encoding: str, email_format: str) -> None:
    mail = _mail(
        subject=subject,
        body=body,
        encoding=encoding,
        email_format=email_format,
        cc="c@example.org",
        bcc="hidden@secret.example",
        reply_to="r@example.org",
        headers={"X-Test": subject},
    )

    assume("hidden" not in subject + body)
    content = _compose(mail, attachments=(PDF,)).content

    message = email.message_from_bytes(content, policy=default)
    read = message.get_body(("html", "plain"))
    assert read is not None
    assert _lines(read.get_content()) == _lines(mail.body)
    assert message["Subject"] == message["X-Test"] == mail.subject
    assert {name.lower() for name in message} <= HEADERS
    assert b"hidden" not in content
    assert b"secret.example" not in content


@settings(max_examples=20, deadline=None)
@given(subject=subjects, body=bodies)
def test_two_attempts_are_equal_byte_for_byte(subject: str, body: str) -> None:
    mail = _mail(subject=subject, body=body, email_format="html")

    assert _compose(mail, attachments=(PDF,)) == _compose(mail, attachments=(PDF,))


def test_the_envelope_names_everybody_once() -> None:
    envelope = _compose(
        _mail(to="Ann <ann@example.org>; b@x.org", cc="ANN@example.org; c@x.org", bcc="d@x.org")
    )

    assert envelope.sender == "post@example.com"
    assert envelope.recipients == ("ann@example.org", "b@x.org", "c@x.org", "d@x.org")


def test_an_international_domain_is_ascii_in_header_and_envelope() -> None:
    envelope = _compose(_mail(to="a@ünïcode.example"))

    assert envelope.recipients == ("a@xn--ncode-cta3g.example",)
    assert b"To: a@xn--ncode-cta3g.example\r\n" in envelope.content


@pytest.mark.parametrize(
    "body", ["a\n.\nb", "\r\n.\r\nMAIL FROM:<x>", ".", "a\r.\rb", "\n.\r\n.\n"], ids=ascii
)
def test_a_body_with_dots_stays_as_it_is_but_for_its_line_ends(body: str) -> None:
    content = _compose(_mail(body=body)).content

    assert content.endswith(b"\r\n\r\n" + _lines(body).replace("\n", "\r\n").encode() + b"\r\n")


@pytest.mark.parametrize(
    "fields",
    [
        {"to": "jöhn@example.org"},
        {"cc": "jöhn@example.org"},
        {"reply_to": "jöhn@example.org"},
        {"sender": "jöhn@x.org"},
    ],
    ids=["to", "cc", "reply_to", "sender"],
)
def test_international_addresses_get_a_second_form(fields: dict[str, str]) -> None:
    envelope = _compose(_mail(**fields))

    assert envelope.content_smtputf8 is not None
    assert "jöhn@".encode() in envelope.content_smtputf8
    assert WIRE.fullmatch(envelope.content_smtputf8)


@pytest.mark.parametrize("fields", [{"subject": "Grüße"}, {"bcc": "jöhn@example.org"}], ids=["text", "bcc"])
def test_without_international_addresses_in_the_headers_there_is_one_form(fields: dict[str, str]) -> None:
    assert _compose(_mail(**fields)).content_smtputf8 is None


def test_neither_addresses_nor_content_are_in_the_repr() -> None:
    shown = repr(_compose(_mail(subject="Canary", body="canary")))

    assert "canary" not in shown.lower()
    assert "@" not in shown


def test_a_large_file_stands_behind_the_international_headers_too() -> None:
    envelope = _compose(_mail(to="jürgen@example.org"), attachments=(LARGE,))
    assert envelope.content_smtputf8 is not None
    for content in (envelope.content, envelope.content_smtputf8):
        message = email.message_from_bytes(content + b"".join(envelope.files), policy=default)
        (part,) = message.iter_attachments()
        assert part.get_content() == LARGE.content


def test_notes_say_what_was_changed() -> None:
    envelope = _compose(_mail(body="€", encoding="latin1"))

    assert envelope.notes == (
        "the body was sent as UTF-8, because iso-8859-1 cannot encode every character of it",
    )


@pytest.mark.parametrize(
    ("attachments", "code"),
    [((), LocalCode.INVALID_INPUT), ((PDF,), LocalCode.ATTACHMENT), ((LARGE,), LocalCode.ATTACHMENT)],
    ids=["body", "attachment", "large attachment"],
)
def test_a_message_above_the_limit_is_refused(attachments: tuple[Attachment, ...], code: LocalCode) -> None:
    size = len(_whole(_compose(_mail(), attachments=attachments)))

    _compose(_mail(), attachments=attachments, max_bytes=size)
    with pytest.raises(PermanentFailure, match="at most") as caught:
        _compose(_mail(), attachments=attachments, max_bytes=size - 1)

    assert caught.value.reply.code == code
