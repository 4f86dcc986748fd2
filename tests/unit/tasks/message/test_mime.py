"""What is written by hand means the same as what the standard library would have written."""

from __future__ import annotations

import binascii
import email
import re
from email.message import EmailMessage, MIMEPart
from email.policy import SMTP, default

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tasks.envelope import Encoded
from tasks.message import mime
from tasks.message.attachments import Attachment
from tasks.message.content import Content, Text

WIRE = re.compile(rb"(?:[^\r\n\0]{0,998}\r\n)*")
PNG = Attachment("a.png", "image/png", bytes(range(256)))

pieces = st.sampled_from(
    ["\r\n", "\r\n.\r\n", "=", "=\r\n", " \r\n", "\t", "é", "日本", "a" * 997, "From ", "--", "\v", "\f"]
)
bodies = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), max_size=20) | pieces, max_size=15
).map(lambda parts: "".join(parts) + "\r\n")
texts = st.builds(
    lambda subtype, body: Text(subtype, "utf-8", body.encode()), st.sampled_from(["plain", "html"]), bodies
)
names = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"), exclude_characters="/\\"),
    min_size=1,
    max_size=80,
).map(lambda name: f"x{name}x")
files = st.builds(
    Attachment,
    names,
    st.sampled_from(["image/png", "text/plain", "application/pdf"]),
    st.binary(max_size=300),
)
contents = st.builds(
    Content,
    st.lists(texts, min_size=1, max_size=2).map(tuple),
    st.lists(files, max_size=3).map(tuple),
    st.text(max_size=5),
)


def _read(written: bytes) -> EmailMessage:
    assert WIRE.fullmatch(written)
    assert written.isascii()
    message = email.message_from_bytes(b"MIME-Version: 1.0\r\n" + written, policy=default)
    assert not any(part.defects for part in message.walk())
    return message


def _library(content: Content) -> EmailMessage:
    """Let the standard library write *content*, and read that."""
    policy = SMTP.clone(cte_type="7bit")
    whole: MIMEPart = EmailMessage(policy)
    first, *others = content.texts
    whole.set_content(first.data, "text", first.subtype)
    for text in others:
        whole.add_alternative(text.data, "text", text.subtype)
    for file in content.attachments:
        kind, _, subtype = file.content_type.partition("/")
        whole.add_attachment(file.content, kind, subtype, filename=file.name)
    return email.message_from_bytes(whole.as_bytes(), policy=default)


def _meaning(message: EmailMessage) -> list[tuple[str, str | None, object]]:
    return [
        (part.get_content_type(), part.get_content_disposition(), part.get_payload(decode=True))
        for part in message.walk()
    ]


def written(content: Content) -> bytes:
    return b"".join(mime.write(content))


def _text(data: bytes, charset: str = "utf-8") -> bytes:
    return written(Content((Text("plain", charset, data),)))


@settings(max_examples=100, deadline=None)
@given(content=contents)
def test_it_means_the_same_as_the_librarys(content: Content) -> None:
    ours, theirs = _read(written(content)), _library(content)

    assert _meaning(ours) == _meaning(theirs)


@settings(max_examples=100, deadline=None)
@given(content=contents)
@example(Content((Text("plain", "utf-8", b"t\r\n"),), (Attachment("=?utf-8?q?a?=.txt", "text/plain", b""),)))
def test_everything_comes_back(content: Content) -> None:
    parts = [part for part in _read(written(content)).walk() if not part.is_multipart()]

    assert [part.get_payload(decode=True) for part in parts] == [
        *(text.data for text in content.texts),
        *(file.content for file in content.attachments),
    ]
    assert [part.get_filename() for part in parts[len(content.texts) :]] == [
        file.name for file in content.attachments
    ]


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (b"Hello\r\n", "7bit"),
        (b"a" * 998 + b"\r\n", "7bit"),
        (b"a" * 999 + b"\r\n", "quoted-printable"),
        ("Mostly latin, with an é\r\n".encode(), "quoted-printable"),
        ("日本語\r\n".encode(), "base64"),
        ("日本語\r\n".encode("iso2022-jp"), "7bit"),
    ],
    ids=["ascii", "longest line", "long line", "latin", "japanese", "7-bit japanese"],
)
def test_the_transfer_encoding_suits_the_text(data: bytes, encoding: str) -> None:
    message = _read(_text(data))

    assert message["Content-Transfer-Encoding"] == encoding
    assert message.get_payload(decode=True) == data


@pytest.mark.parametrize(
    ("name", "parameter"),
    [
        ("report 1.pdf", ' filename="report 1.pdf"'),
        ('a".txt', "\r\n filename*=utf-8''a%22.txt"),
        ("ünï.txt", "\r\n filename*=utf-8''%C3%BCn%C3%AF.txt"),
        ("=?utf-8?q?a?=", "\r\n filename*=utf-8''%3D%3Futf-8%3Fq%3Fa%3F%3D"),
        ("日" * 8, "\r\n filename*0*=utf-8''" + "%E6%97%A5" * 6 + ";\r\n filename*1*=" + "%E6%97%A5" * 2),
    ],
    ids=["plain", "double quote", "beyond ascii", "looks encoded", "long"],
)
def test_file_names_are_written_as_rfc_2231_says(name: str, parameter: str) -> None:
    whole = written(Content((Text("plain", "utf-8", b"t\r\n"),), (Attachment(name, "text/plain", b"x"),)))

    assert f"Content-Disposition: attachment;{parameter}\r\n\r\n".encode() in whole


def test_alternatives_stand_inside_of_mixed() -> None:
    both = (Text("plain", "utf-8", b"t\r\n"), Text("html", "utf-8", b"<p>t\r\n"))

    message = _read(written(Content(both, (PNG,))))

    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "image/png",
    ]


def test_base64_lines_have_at_most_76_characters() -> None:
    whole = written(
        Content((Text("plain", "utf-8", b"t\r\n"),), (Attachment("a", "image/png", bytes(1000)),))
    )

    assert max(map(len, whole.split(b"\r\n"))) == 76


def test_an_empty_file_is_an_empty_part() -> None:
    message = _read(
        written(Content((Text("plain", "utf-8", b"t\r\n"),), (Attachment("a.txt", "text/plain", b""),)))
    )

    (part,) = message.iter_attachments()
    assert part.get_payload(decode=True) == b""


def test_the_character_set_is_named() -> None:
    assert b'Content-Type: text/plain; charset="iso-2022-jp"\r\n' in _text(b"t\r\n", "iso-2022-jp")


def test_each_piece_ends_a_line_and_large_files_are_pieces_of_their_own() -> None:
    sizes = (10, 5000, 0, 3 * 1024 * 1024)
    files = tuple(Attachment("a", "a/b", bytes(size)) for size in sizes)

    pieces = mime.write(Content((Text("plain", "utf-8", b"t\r\n"),), files))

    assert all(piece.endswith(b"\r\n") for piece in pieces)
    assert [isinstance(piece, Encoded) for piece in pieces] == [False, True, False, True, False]
    assert binascii.a2b_base64(pieces[1]) == bytes(5000)


def test_mails_with_the_same_file_have_its_base64_in_common() -> None:
    file = Attachment("a", "a/b", b"terms" * 1000)
    text = Text("plain", "utf-8", b"x\r\n")

    one, other = (mime.write(Content((text,), (file,), seed)) for seed in ("a", "b"))

    assert one[1] is other[1]


def encoded(content: bytes) -> bytes:
    file = Attachment("a", "a/b", content)
    return written(Content((Text("plain", "utf-8", b"x\r\n"),), (file,), "seed"))


def test_a_file_that_many_mails_have_in_common_is_encoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[int] = []
    plain = mime._base64  # noqa: SLF001 (counted, and otherwise as it is)
    monkeypatch.setattr(mime, "_base64", lambda data: lengths.append(len(data)) or plain(data))
    size = 5000
    # Equal bytes, each read anew.
    first, second = (encoded(bytes([7]) * size) for _ in range(2))

    assert first == second
    assert lengths == [size]


def test_a_file_that_has_changed_is_encoded_anew() -> None:
    before, after = encoded(b"a" * 5000), encoded(b"a" * 4999 + b"b")

    assert before != after


def test_no_more_is_kept_than_a_few_files_of_bounded_size() -> None:
    mime._base64_once.cache_clear()  # noqa: SLF001 (what the test is about)
    for content in [b"small", *(bytes([i]) * 5000 for i in range(9)), bytes(3 * 1024 * 1024)]:
        encoded(content)
    kept = mime._base64_once.cache_info()  # noqa: SLF001 (as above)

    assert (kept.currsize, kept.misses) == (4, 9)
