"""Host names in the one form in which they are compared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.contract.errors import Refused
from tasks.contract.hosts import is_number, parse_host


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("smtp.example.com", "smtp.example.com"),
        ("SMTP.Example.COM.", "smtp.example.com"),
        ("relay", "relay"),
        ("mail_catcher", "mail_catcher"),
        ("xn--mller-kva.de", "xn--mller-kva.de"),
        ("MÜLLER.de", "xn--mller-kva.de"),
        ("中国。cn", "xn--fiqs8s.cn"),
        ("127.0.0.1", "127.0.0.1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("a" * 63 + ".b", "a" * 63 + ".b"),
    ],
)
def test_a_host_has_one_form(text: str, host: str) -> None:
    assert parse_host(text) == host
    assert parse_host(host) == host


@pytest.mark.parametrize(
    "text", ["a b", "a..b", ".a", "ü..de", "a-.b", "-", "", "..", "é" * 300, "a\u202e.de"]
)
def test_what_is_no_host_name_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="not a valid host name"):
        parse_host(text)


@given(st.text(max_size=40) | st.from_regex(r"[a-zA-Z0-9._\[\]:-]{1,20}", fullmatch=True))
def test_a_host_is_ascii_and_reads_back_as_itself(text: str) -> None:
    try:
        host = parse_host(text)
    except Refused:
        return

    assert host.isascii()
    assert host == host.lower()
    assert parse_host(host) == host


@pytest.mark.parametrize(
    ("label", "expected"), [("1", True), ("0x7f", True), ("0x", True), ("1a", False), ("com", False)]
)
def test_a_number_is_told_from_a_name(label: str, expected: bool) -> None:  # noqa: FBT001  # a parameter of the table
    assert is_number(label) is expected
