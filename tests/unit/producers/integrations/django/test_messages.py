"""Whatever Django's messages can say is sent as it was meant, or refused before anything is queued."""

from __future__ import annotations

from email.mime.base import MIMEBase
from typing import TYPE_CHECKING, Any

import pytest
from django.core.mail import EmailMessage, EmailMultiAlternatives, mail_admins, send_mail
from django.utils.functional import lazystr
from django.utils.safestring import mark_safe

from producers.integrations.failures import Refused
from tasks.contract.validation import parse

if TYPE_CHECKING:
    from tests.unit.producers.integrations.django.conftest import Post

TO = ["ann@example.org"]


def refused(message: EmailMessage) -> list[str]:
    with pytest.raises(Refused) as said:
        message.send()
    return list(said.value.problems)


def test_a_message_with_everything_is_a_mail_with_everything(post: Post) -> None:
    message = EmailMultiAlternatives(
        lazystr("Your order"),
        mark_safe("text"),
        "Shop <shop@example.org>",
        [*TO, ""],
        ["di@example.org"],
        cc=["cy@example.org"],
        reply_to=["desk@example.org"],
        headers={"X-Order": 1, "List-Id": "<news.example.org>"},
    )
    message.attach_alternative("<p>html</p>", "text/html")
    message.attach("a.pdf", b"%PDF", "application/pdf")
    message.attach("b.txt", "text", "text/plain")

    assert message.send() == 1
    [letter] = post.letters
    request = parse(letter.fields)
    assert (request.subject, request.body, request.text_body) == ("Your order", "<p>html</p>", "text")
    assert [len(boxes) for boxes in (request.to, request.cc, request.bcc, request.reply_to)] == [1, 1, 1, 1]
    assert request.sender is not None
    assert request.sender.display_name == "Shop"
    assert request.headers == {"X-Order": "1", "List-Id": "<news.example.org>"}
    assert [(file.name, file.content) for file in letter.files] == [("a.pdf", b"%PDF"), ("b.txt", b"text")]
    assert type(letter.fields["body"]) is type(letter.fields["subject"]) is str


def test_a_body_may_be_html_alone(post: Post) -> None:
    message = EmailMessage("Hello", "<p>html</p>", to=TO)
    message.content_subtype = "html"
    message.send()

    assert post.fields == post.fields | {"body": "<p>html</p>", "email_format": "html"}
    assert "text_body" not in post.fields


@pytest.mark.parametrize("sender", [None, "webmaster@localhost", "root@localhost"])
def test_djangos_own_default_addresses_mean_the_accounts_sender(post: Post, sender: str | None) -> None:
    send_mail("Hello", "text", sender, TO)

    assert "sender" not in post.fields


def test_mail_to_admins_goes_out(post: Post) -> None:
    mail_admins("Fault", "text", html_message="<p>html</p>")

    assert (post.fields["to"], post.fields["text_body"]) == (["admin@example.org"], "text")


def test_headers_that_stand_for_fields_become_them(post: Post) -> None:
    headers = {"From": "Ann <ann@example.org>", "Reply-To": "desk@example.org"}
    EmailMessage("Hello", "text", "bounces@example.org", TO, headers=headers).send()

    assert post.fields["sender"] == "Ann <ann@example.org>"
    assert post.fields["reply_to"] == ["desk@example.org"]
    assert "headers" not in post.fields


def test_our_own_headers_choose_and_are_taken_out(post: Post) -> None:
    headers = {
        "X-Postroom-Lane": "reset",
        "x-postroom-account": "shop",
        "X-Postroom-Timeout": "5000",
        "X-Postroom-Idempotency-Key": "order-1",
        "X-Postroom-Expires-At": "2030-01-31T12:00:00Z",
        "X-Postroom-Reference": "order-1",
    }
    EmailMessage("Hello", "text", to=TO, headers=headers).send()

    [letter] = post.letters
    assert letter.lane == "reset"
    assert letter.fields == letter.fields | {
        "account": "shop",
        "timeout": 5000,
        "idempotency_key": "order-1",
        "expires_at": "2030-01-31T12:00:00Z",
        "metadata": {"reference": "order-1"},
    }
    assert "headers" not in letter.fields


@pytest.mark.parametrize(
    ("name", "kind", "sent_as"),
    [
        (None, "application/pdf", "attachment-1.pdf"),
        ("invoice", "application/pdf", "invoice.pdf"),
        ("invoice.pdf", "application/pdf", "invoice.pdf"),
        ("data", None, "data"),
    ],
)
def test_a_files_name_says_its_type(post: Post, name: str | None, kind: str | None, sent_as: str) -> None:
    message = EmailMessage("Hello", "text", to=TO)
    message.attach(name, b"x", kind or "application/octet-stream")
    message.send()

    assert [file.name for file in post.letters[0].files] == [sent_as]


def with_headers(**headers: str) -> EmailMessage:
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return EmailMessage("Hello", "text", to=TO, headers=headers)


def with_alternative(kind: str) -> EmailMessage:
    message = EmailMultiAlternatives("Hello", "text", to=TO)
    message.attach_alternative("BEGIN:VCALENDAR", kind)
    return message


def with_file(*attachment: Any) -> EmailMessage:
    message = EmailMessage("Hello", "text", to=TO)
    message.attach(*attachment)
    return message


def of_subtype(subtype: str) -> EmailMessage:
    message = EmailMessage("Hello", "text", to=TO)
    message.content_subtype = subtype
    return message


UNSENDABLE = {
    "alternatives: only one of type text/html": with_alternative("text/calendar"),
    "attachments: entry 1 is a MIME part": with_file(MIMEBase("image", "png")),
    "attachments: entry 1 is a message": with_file("a.eml", EmailMessage(), "message/rfc822"),
    "attachments: entry 1 has a content type": with_file("a.ics", "x", "text/calendar; method=REQUEST"),
    "attachments: have 7.6 MiB together": with_file("a.bin", b"x" * 8_000_000, "application/x-a"),
    "content_subtype: markdown cannot be sent": of_subtype("markdown"),
    "headers: X-Postroom-Lnae is unknown; known are X-Postroom-Lane": with_headers(X_Postroom_Lnae="bulk"),
    "headers: Message-ID may not be set": with_headers(Message_ID="<1@a>"),
    "headers: To may not be set": with_headers(To="you"),
    "subject: contains line breaks": EmailMessage("Hello\nBcc: b@c.de", "text", to=TO),
    "body: is empty": EmailMessage("Hello", "", to=TO),
    "to: names nobody": EmailMessage("Hello", "text", bcc=TO),
}


@pytest.mark.parametrize("said", UNSENDABLE)
def test_what_cannot_be_sent_is_refused_before_anything_is_queued(post: Post, said: str) -> None:
    [problem] = refused(UNSENDABLE[said])

    assert problem.startswith(said)
    assert post.calls == 0


def test_a_message_for_nobody_is_none(post: Post) -> None:
    assert EmailMessage("Hello", "text").send() == 0
    assert post.calls == 0
