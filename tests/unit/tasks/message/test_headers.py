from __future__ import annotations

import email
import re
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.policy import default
from email.utils import getaddresses
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tasks.contract.addresses import Mailbox
from tasks.contract.codes import LocalCode
from tasks.contract.parameters import SendEmail
from tasks.failures import PermanentFailure
from tasks.message.headers import header_block
from tasks.message.identity import Identity

SENDER = Mailbox("", "post", "example.com")
IDENTITY = Identity.of("one", datetime(2026, 11, 22, 18, 0, tzinfo=UTC), "example.com")
LINES = re.compile(r"(?:[^\r\n\0]*[^\r\n\0 \t][^\r\n\0]*\r\n)*")

legible = st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"))
awkward = st.sampled_from(
    [*"\"\\;,:<>@()[]=?_ .'aé", "=?", "?=", "=?utf-8?q?a?=", "  ", "日本", "\u00a0", "😀"]
)
lines = st.lists(legible | awkward, min_size=1, max_size=60).map(lambda pieces: "".join(pieces).strip())
locals_ = st.sampled_from(["a", "a.b", "x y", 'q"z', "l" * 64])
mailboxes = st.builds(
    Mailbox, lines | st.just(""), locals_, st.sampled_from(["example.org", "d" * 63 + ".org"])
)


def _mail(**fields: Any) -> SendEmail:
    """Return a mail whose values need not be ones that the contract lets through."""
    values = {"to": (Mailbox("", "ann", "example.org"),), "subject": "Hello", "body": "b"} | fields
    return SendEmail.model_construct(set(values), **values)


def _block(*, sender: Mailbox = SENDER, smtputf8: bool = False, **fields: Any) -> str:
    block = header_block(_mail(**fields), sender=sender, identity=IDENTITY, smtputf8=smtputf8)
    assert LINES.fullmatch(block)
    assert all(len(line.encode()) <= 998 for line in block.split("\r\n"))
    assert smtputf8 or block.isascii()
    return block


def _named(name: str, block: str) -> str:
    """Return the value of a header as it stands, unfolded."""
    return str(email.message_from_string(block)[name]).replace("\r\n", "").replace("\n", "")


def _people(name: str, block: str) -> list[tuple[str, str]]:
    # The parser of 3.11.7 puts a space between the encoded words of a name, so they are decoded here.
    found = getaddresses([_named(name, block)])
    return [(str(make_header(decode_header(who))) if "=?" in who else who, where) for who, where in found]


def _collapsed(text: str) -> str:
    return " ".join(text.split())


def test_a_plain_mail_has_these_headers() -> None:
    block = _block(
        sender=Mailbox("Shop", "post", "example.com"), cc=(Mailbox("Bob B.", "bob", "example.org"),)
    )

    assert block == (
        "From: Shop <post@example.com>\r\n"
        "To: ann@example.org\r\n"
        'Cc: "Bob B." <bob@example.org>\r\n'
        "Subject: Hello\r\n"
        "Date: Sun, 22 Nov 2026 18:00:00 +0000\r\n"
        f"Message-ID: {IDENTITY.message_id}\r\n"
        "MIME-Version: 1.0\r\n"
    )


def test_bcc_is_in_no_header() -> None:
    block = _block(bcc=(Mailbox("Secret", "secret", "hidden.example"),))

    assert "secret" not in block.lower()
    assert "hidden" not in block


@settings(max_examples=60, deadline=None)
@given(subject=lines)
@example("=?utf-8?b?SGk=?=")
@example("a" * 998)
@example("ab " * 332 + "cd")
@example("a  " * 300 + "b")
@example("Re: " + "long word" * 20)
@example("日本語 😀" * 100)
@example("tab\tinside")
def test_a_subject_arrives_as_it_was_given(subject: str) -> None:
    assume(subject)

    message = email.message_from_string(_block(subject=subject), policy=default)

    assert message["Subject"] == subject
    assert not message["Subject"].defects


@settings(max_examples=100, deadline=None)
@given(boxes=st.lists(mailboxes, min_size=1, max_size=4))
@example([Mailbox('Doe, "J"; \\ (x) ' * 15, "a", "example.org")])
@example(
    [Mailbox("Müller; Jörg, Dr. " * 12, "a", "example.org"), Mailbox("=?utf-8?q?a?=", "b", "example.org")]
)
def test_mailboxes_arrive_as_they_were_given(boxes: list[Mailbox]) -> None:
    block = _block(to=tuple(boxes), cc=tuple(boxes), reply_to=tuple(boxes))

    for name in ("To", "Cc", "Reply-To"):
        found = [(_collapsed(who), where) for who, where in _people(name, block)]
        assert found == [(_collapsed(box.display_name), box.addr_spec) for box in boxes]


@settings(max_examples=60, deadline=None)
@given(boxes=st.lists(mailboxes, min_size=1, max_size=4))
def test_the_library_finds_the_same_addresses(boxes: list[Mailbox]) -> None:
    message = email.message_from_string(_block(to=tuple(boxes)), policy=default)

    assert [found.addr_spec for found in message["To"].addresses] == [box.addr_spec for box in boxes]
    assert not message["To"].defects


@settings(max_examples=60, deadline=None)
@given(subject=lines, boxes=st.lists(mailboxes, min_size=1, max_size=3))
def test_with_smtputf8_text_stands_as_it_is(subject: str, boxes: list[Mailbox]) -> None:
    assume(subject)
    international = Mailbox("Jöhn", "jöhn", "example.org")

    block = _block(subject=subject, to=(*boxes, international), smtputf8=True)

    message = email.message_from_string(block, policy=default)
    assert message["Subject"] == subject
    assert [where for _, where in _people("To", block)] == [
        *(box.addr_spec for box in boxes),
        "jöhn@example.org",
    ]
    assert "jöhn@example.org" in block


@pytest.mark.parametrize(
    ("mailbox", "shown"),
    [
        (Mailbox("", "jöhn", "example.org"), "jöhn@example.org"),
        (Mailbox("Jöhn; D", "jöhn", "example.org"), "Jöhn; D jöhn@example.org"),
    ],
    ids=["bare", "named"],
)
@pytest.mark.parametrize("last", [False, True])
def test_a_mailbox_that_needs_smtputf8_becomes_an_empty_group(
    mailbox: Mailbox, shown: str, *, last: bool
) -> None:
    ann = Mailbox("Ann", "ann", "example.org")

    block = _block(to=(ann, mailbox) if last else (mailbox, ann))

    message = email.message_from_string(block, policy=default)
    groups = {group.display_name: group.addresses for group in message["To"].groups}
    assert [found.addr_spec for found in message["To"].addresses] == ["ann@example.org"]
    assert groups[shown] == ()


def test_a_sender_that_needs_smtputf8_is_shown_as_a_group_too() -> None:
    block = _block(sender=Mailbox("", "jöhn", "example.org"))

    assert block.startswith("From: =?utf-8?b?asO2aG5AZXhhbXBsZS5vcmc=?= :;\r\n")


@pytest.mark.parametrize(
    "fields",
    [
        {"subject": "a  " * 300 + "b"},
        {"subject": "many words " * 50 + "end"},
        {"to": (Mailbox('Doe, "J"; \\ (x) ' * 15 + "end", "a", "example.org"),)},
        {"to": (Mailbox("Ann Example, Jr.", "ann", "example.org"),) * 20},
    ],
    ids=["runs of spaces", "words", "long name", "many"],
)
def test_long_headers_are_folded_and_no_line_ends_in_a_space(fields: dict[str, Any]) -> None:
    folded = _block(**fields).split("\r\n")

    assert max(map(len, folded)) <= 78
    assert not any(line.endswith(" ") for line in folded)


def test_extra_headers_are_written_after_ours() -> None:
    url = "<https://example.com/" + "x" * 300 + ">"

    block = _block(
        headers={"X-Campaign": "grüße", "List-Unsubscribe": url, "References": "<a@b> " * 30 + "<c@d>"}
    )

    message = email.message_from_string(block, policy=default)
    assert message["X-Campaign"] == "grüße"
    assert message["List-Unsubscribe"] == url
    assert message["References"] == "<a@b> " * 30 + "<c@d>"


@pytest.mark.parametrize(
    "fields",
    [
        {"subject": "Hi\r\nBcc: victim@example.net"},
        {"subject": "a\rb"},
        {"subject": "a\nb"},
        {"subject": "a\0b"},
        {"subject": "\x1b[31m"},
        {"to": (Mailbox("a\r\nX: y", "a", "b.org"),)},
        {"to": (Mailbox("", "a", "b.org\r\nRCPT TO:<x>"),)},
        {"headers": {"X-A": "b\nc"}},
        {"headers": {"X-A: b\r\nBcc": "c"}},
        {"headers": {"bcc": "victim@example.net"}},
        {"headers": {"Content-Type": "text/html"}},
    ],
    ids=str,
)
def test_what_would_make_another_header_is_refused_here_too(fields: dict[str, Any]) -> None:
    with pytest.raises(PermanentFailure) as caught:
        _block(**fields)

    assert caught.value.reply.code == LocalCode.INVALID_INPUT
    assert "victim" not in str(caught.value)
