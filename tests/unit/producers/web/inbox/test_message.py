"""Taking caught mails apart, whatever they are."""

from __future__ import annotations

import time
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.web.inbox.message import read, read_head


def mail(*headers: str, body: str = "b") -> bytes:
    return ("\r\n".join([*headers, "", body])).encode("utf-8", "surrogateescape")


def multipart(depth: int) -> bytes:
    """Return a mail whose parts lie in one another."""
    opening = "".join(
        f"Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n" for level in range(depth)
    )
    return f"Subject: deep\r\n{opening}Content-Type: text/plain\r\n\r\nhello\r\n".encode()


def test_text_html_and_files_are_told_apart() -> None:
    message = EmailMessage()
    message["Subject"] = "Grüße"
    message.set_content("Text, größer\n")
    message.add_alternative("<p>Größer</p>", subtype="html")
    message.add_attachment(b"\x00\x01", maintype="application", subtype="pdf", filename="Übersicht.pdf")
    caught = read(message.as_bytes())

    assert caught.header("subject") == "Grüße"
    assert (caught.text or "").strip() == "Text, größer"
    assert (caught.html or "").strip() == "<p>Größer</p>"
    assert [(part.name, part.media_type, part.content) for part in caught.parts] == [
        ("Übersicht.pdf", "application/pdf", b"\x00\x01")
    ]


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        ("Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("Subject: =?no-such-charset?q?x?=", "=?no-such-charset?q?x?="),
        ("Subject: =?utf-8?b?%%%?=", ""),
        ("Subject: =?utf-8?b?//8=?=", "=?utf-8?b?//8=?="),
        ("Subject: bare Grüße", "bare Grüße"),
        ("Subject: a\r\n b\x00\x1b[31mc\u202egnp", "a b [31mc gnp"),
        ("Subject: " + "x" * 10_000, "x" * 4000),
        ("Subject:", ""),
    ],
    ids=["encoded", "charset", "base64", "bytes", "8 bits", "control", "long", "empty"],
)
def test_a_header_is_shown_in_one_line_whatever_is_in_it(header: str, shown: str) -> None:
    for caught in (read(mail(header)), read_head(mail(header))):
        assert caught.header("Subject") == shown


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\evil.exe", "evil.exe"),
        ('a"; filename=b.html\r\nX: y', "a; filename=b.html X y"),
        ("..", "part-0"),
        (".htaccess", "htaccess"),
        ("x" * 300 + ".pdf", "x" * 120),
        ("\u202egnp.exe", "gnp.exe"),
    ],
    ids=["folders", "backslashes", "quotes", "dots", "hidden", "long", "turned"],
)
def test_a_hostile_file_name_is_only_a_name(given: str, kept: str) -> None:
    encoded = "".join(f"%{byte:02X}" for byte in given.encode())
    [part] = read(mail(f"Content-Disposition: attachment; filename*=utf-8''{encoded}")).parts

    assert part.name == kept
    assert not set(part.name) & set('/\\"\r\n')


@pytest.mark.parametrize(
    "charset", ["rot13", "idna", "punycode", "unicode_escape", "no-such", '"', "utf-8\x00", "x" * 500]
)
def test_a_character_set_that_is_none_is_taken_for_utf_8(charset: str) -> None:
    caught = read(mail(f"Content-Type: text/plain; charset={charset}", body="Grüße"))

    assert caught.text == "Grüße"


def test_a_deeply_nested_mail_is_shown_in_time() -> None:
    began = time.monotonic()
    caught = read(multipart(5000))

    assert caught.header("Subject") == "deep"
    assert time.monotonic() - began < 10.0


def test_a_mail_of_very_many_parts_shows_the_first_and_says_so() -> None:
    parts = "".join("--b\r\nContent-Type: application/pdf\r\n\r\nx\r\n" for _ in range(1000))
    caught = read(f"Content-Type: multipart/mixed; boundary=b\r\n\r\n{parts}--b--\r\n".encode())

    assert len(caught.parts) == 200
    assert "more than 200 parts" in caught.trouble


def test_an_attached_mail_is_a_file() -> None:
    inner = EmailMessage()
    inner["Subject"] = "inner"
    inner.set_content("inner")
    outer = EmailMessage()
    outer["Subject"] = "outer"
    outer.set_content("outer")
    outer.add_attachment(inner)
    caught = read(outer.as_bytes())

    assert (caught.text or "").strip() == "outer"
    assert [part.media_type for part in caught.parts] == ["message/rfc822"]
    assert b"Subject: inner" in caught.parts[0].content


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 1000,
        b"no headers at all",
        b"Content-Type: multipart/mixed\r\n\r\nno boundary",
        b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!",
        b"Content-Type: text/html; charset*=x'y'%FF\r\nContent-Disposition: ; filename*0*=\r\n\r\n<p>x",
        b"Content-Type: ;;;\r\n\r\nx",
        b": empty name\r\n\r\nx",
    ],
)
def test_a_broken_mail_is_shown_as_far_as_it_goes(content: bytes) -> None:
    caught = read(content)

    assert caught.text is not None or caught.html is not None or caught.parts or caught.trouble


@given(
    st.binary(max_size=2000),
    st.sampled_from([b"", b"Content-Type: ", b"Content-Disposition: ", b"Subject: =?"]),
)
def test_no_bytes_make_it_fail(content: bytes, prefix: bytes) -> None:
    caught = read(prefix + content)

    assert isinstance(caught.header("Subject"), str)
    assert all(not set(part.name) & set('/\\"\r\n\x00') for part in caught.parts)
