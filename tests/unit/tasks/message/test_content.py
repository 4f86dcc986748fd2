from __future__ import annotations

from typing import Any

import pytest

from tasks.contract.charsets import canonical, python_codec
from tasks.contract.parameters import SendEmail
from tasks.message.content import Content, Text, content_of


def _content(**fields: Any) -> tuple[Content, list[str]]:
    mail = SendEmail.model_validate({"to": "ann@example.org", "subject": "Hello"} | fields)
    return content_of(mail, attachments=(), seed="<one@example.com>")


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ("a\r\nb\rc\nd", b"a\r\nb\r\nc\r\nd\r\n"),
        ("a\n\r\nb\r\n", b"a\r\n\r\nb\r\n"),
        ("a\r\r\n", b"a\r\n\r\n"),
        ("\n.\n", b"\r\n.\r\n"),
        ("vt\vff\fnel\x85ls\u2028", "vt\vff\fnel\x85ls\u2028\r\n".encode()),
    ],
    ids=["every kind", "blank lines", "CR before CRLF", "dots are left alone", "other separators stay"],
)
def test_only_crlf_ends_lines(body: str, sent: bytes) -> None:
    content, _ = _content(body=body)

    assert content.texts[0].data == sent


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("us-ascii", "plain"),
        ("latin1", "Grüße"),
        ("windows-1252", "10 € “quoted”"),
        ("iso-8859-8-i", "שלום"),
        ("koi8-r", "Привет"),
        ("iso-2022-jp", "日本語\nと英語 abc"),
        ("shift_jis", "日本語ソ"),
        ("windows-31j", "①日本"),
        ("euc-kr", "안녕하세요"),
        ("iso-2022-kr", "안녕"),
        ("gb18030", "你好 😀"),
        ("big5", "您好"),
    ],
)
def test_a_body_goes_out_in_the_character_set_asked_for(encoding: str, body: str) -> None:
    content, notes = _content(body=body, encoding=encoding)

    (text,) = content.texts
    assert text.charset == canonical(encoding)
    assert text.data.decode(python_codec(text.charset)) == body.replace("\n", "\r\n") + "\r\n"
    assert notes == []


@pytest.mark.parametrize(
    ("encoding", "body"),
    [("ascii", "é"), ("iso-8859-1", "€"), ("iso-2022-jp", "😀"), ("shift_jis", "¥100"), ("euc-jp", "¥100")],
    ids=["ascii", "latin1", "emoji", "yen sign that becomes a backslash", "yen sign in euc"],
)
def test_what_a_character_set_cannot_hold_goes_out_as_utf_8_and_is_said(encoding: str, body: str) -> None:
    content, notes = _content(body=body, encoding=encoding)

    name = canonical(encoding)
    assert content.texts == (Text("plain", "utf-8", f"{body}\r\n".encode()),)
    assert notes == [f"the body was sent as UTF-8, because {name} cannot encode every character of it"]


def test_only_the_part_with_the_character_changes_its_character_set() -> None:
    content, notes = _content(body="<p>&euro;</p>", email_format="html", encoding="latin1")

    assert [(text.subtype, text.charset) for text in content.texts] == [
        ("plain", "utf-8"),
        ("html", "iso-8859-1"),
    ]
    assert notes == [
        "the plain text alternative was sent as UTF-8, because iso-8859-1 cannot encode every character of it"
    ]


def test_html_gets_a_text_made_from_it() -> None:
    content, _ = _content(body="<p>Hello <b>you</b></p>", email_format="html")

    assert [text.data for text in content.texts] == [b"Hello you\r\n", b"<p>Hello <b>you</b></p>\r\n"]


def test_a_given_text_is_taken_instead() -> None:
    content, _ = _content(body="<p>Hello</p>", email_format="html", text_body="Given")

    assert content.texts[0].data == b"Given\r\n"


@pytest.mark.parametrize(
    ("data", "fits"),
    [
        (b"a" * 998 + b"\r\n", True),
        (b"a" * 999 + b"\r\n", False),
        (b"a\r\n" + b"a" * 999 + b"\r\n", False),
        (b"\0\r\n", False),
        (b"\xe9\r\n", False),
    ],
    ids=["longest line", "line too long", "later line too long", "NUL", "beyond ASCII"],
)
def test_what_fits_into_7_bits(data: bytes, *, fits: bool) -> None:
    assert Text("plain", "utf-8", data).fits_7bit is fits


def test_a_boundary_is_the_same_for_all_attempts_and_differs_by_mail_and_level() -> None:
    text = Text("plain", "utf-8", b"b\r\n")

    boundaries = [
        Content((text,), seed=seed).boundary(level) for seed in "ab" for level in ("mixed", "alternative")
    ]

    assert boundaries[0] == Content((text,), seed="a").boundary("mixed")
    assert len(set(boundaries)) == 4


def test_a_boundary_that_occurs_in_a_text_is_not_taken() -> None:
    first = Content((Text("plain", "utf-8", b"b\r\n"),), seed="a").boundary("mixed")

    second = Content((Text("plain", "utf-8", f"--{first}--\r\n".encode()),), seed="a").boundary("mixed")

    assert second != first


def test_no_text_is_shown_in_a_repr() -> None:
    content, _ = _content(body="secret link")

    assert "secret" not in repr(content)
