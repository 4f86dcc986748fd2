"""Which character sets a mail may be written in, and under which names."""

from __future__ import annotations

import codecs
from email.message import EmailMessage

import pytest

from tasks.contract.charsets import canonical, python_codec
from tasks.contract.errors import Refused

CANONICAL = [
    "utf-8",
    "us-ascii",
    *(f"iso-8859-{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16)),
    "iso-8859-8-i",
    "windows-874",
    *(f"windows-{page}" for page in range(1250, 1259)),
    *("koi8-r", "koi8-u", "tis-620", "big5", "big5-hkscs", "gb2312", "gbk", "gb18030"),
    *("euc-jp", "iso-2022-jp", "shift_jis", "windows-31j", "euc-kr", "iso-2022-kr"),
]


@pytest.mark.parametrize("name", CANONICAL)
def test_a_canonical_name_stays_and_has_a_codec(name: str) -> None:
    assert canonical(name) == name
    assert canonical(f" {name.upper()} ") == name
    assert codecs.lookup(python_codec(name)).encode("abc")[0] == b"abc"


@pytest.mark.parametrize("name", CANONICAL)
def test_mail_in_a_canonical_character_set_is_read_back(name: str) -> None:
    message = EmailMessage()

    message.set_content("abc\n".encode(python_codec(name)), "text", "plain", params={"charset": name})

    assert message.get_payload(decode=True) == b"abc\n"


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("UTF8", "utf-8"),
        ("utf_8", "utf-8"),
        ("ascii", "us-ascii"),
        ("latin1", "iso-8859-1"),
        ("Latin-1", "iso-8859-1"),
        ("ISO8859-15", "iso-8859-15"),
        ("latin9", "iso-8859-15"),
        ("cp1252", "windows-1252"),
        ("windows1251", "windows-1251"),
        ("SJIS", "shift_jis"),
        ("shift-jis", "shift_jis"),
        ("EUCKR", "euc-kr"),
        ("ks_c_5601-1987", "euc-kr"),
        ("ISO_8859-1", "iso-8859-1"),
    ],
)
def test_a_usual_name_leads_to_the_canonical_one(alias: str, name: str) -> None:
    assert canonical(alias) == name


@pytest.mark.parametrize("name", ["utf-16", "UTF-16LE", "utf32", "utf-7", "utf_8_sig", "ucs-2"])
def test_unicode_that_mail_cannot_carry_leads_to_utf_8(name: str) -> None:
    with pytest.raises(Refused, match=r"cannot carry mail; use utf-8"):
        canonical(name)


@pytest.mark.parametrize(
    "name",
    [
        "idna",
        "punycode",
        "rot13",
        "unicode_escape",
        "base64",
        "zlib",
        "hex",
        "mbcs",
        "utf-99",
        "x" * 900,
        ".",
    ],
)
def test_what_is_no_character_set_is_refused(name: str) -> None:
    with pytest.raises(Refused, match="unknown character set"):
        canonical(name)


def test_a_misspelt_name_gets_a_suggestion() -> None:
    with pytest.raises(Refused, match=r"did you mean iso-8859-15\?"):
        canonical("iso-8859-155")


@pytest.mark.parametrize("name", [8, None, b"utf-8", "utf-8\0", "utf-8\r\nX: y"])
def test_a_name_is_a_line_of_text(name: object) -> None:
    with pytest.raises(Refused):
        canonical(name)
