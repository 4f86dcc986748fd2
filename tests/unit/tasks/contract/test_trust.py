"""What `smtp_ssl_trust` may say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.contract.errors import Refused
from tasks.contract.trust import Trust, TrustKind, parse_trust

PIN = "0a" * 32


def hosts(*names: str) -> Trust:
    return Trust(TrustKind.HOSTS, hosts=frozenset(names))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*", Trust(TrustKind.ANY)),
        (" * ", Trust(TrustKind.ANY)),
        ("smtp.corp", hosts("smtp.corp")),
        ("SMTP.Corp. ; b.corp,c.corp d.corp\n", hosts("smtp.corp", "b.corp", "c.corp", "d.corp")),
        ("https://smtp.corp:465/x?y", hosts("smtp.corp")),
        ("smtps://[::1]:465", hosts("::1")),
        ("http://x/ca.pem", hosts("x")),
        ("smtp.corp:465", hosts("smtp.corp")),
        ("10.0.0.1 ::1", hosts("10.0.0.1", "::1")),
        ("müller.de", hosts("xn--mller-kva.de")),
        (f"sha256:{PIN}", Trust(TrustKind.PINS, pins=frozenset({PIN}))),
        (f"SHA256:{':'.join(['0A'] * 32)}", Trust(TrustKind.PINS, pins=frozenset({PIN}))),
        (f"sha256:{PIN};sha256:{'ff' * 32}", Trust(TrustKind.PINS, pins=frozenset({PIN, "ff" * 32}))),
        ("ca:company ca.pem", Trust(TrustKind.CA_FILE, ca_file="company ca.pem")),
        ("CA:/etc/ssl/company.pem", Trust(TrustKind.CA_FILE, ca_file="/etc/ssl/company.pem")),
    ],
)
def test_a_trust_is_read_and_written_alike(text: str, expected: Trust) -> None:
    assert parse_trust(text) == expected
    assert parse_trust(expected.wire) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("file:///etc/passwd", "no path"),
        ("../ca.pem", "names a file"),
        ("company.pem", "must be ca:<file>"),
        ("/etc/ssl", "no path"),
        ("smtp.corp ca:x.pem", "names a file"),
        ("*.corp", "wildcard"),
        ("* smtp.corp", "wildcard"),
        (f"smtp.corp sha256:{PIN}", "choose one kind"),
        ("sha256:12", "64 hex digits"),
        ("https://user:secret@host/", "an entry is no host name"),
        ("https://[::1", "no host name"),
        ("https://", "no host name"),
        ("-bad-", "no host name"),
        (";;", "names nothing"),
        ("a\x00b", "control characters"),
        ("ca:", "names no CA file"),
        ("ca:../x", "without '..'"),
        ("ca:a/", "names no CA file"),
        ("ca:" + "x" * 256, "at most 255 bytes"),
        ("a" * 9000, "at most 8192 characters"),
        (5, "must be text"),
        (["smtp.corp"], "must be text"),
    ],
)
def test_what_is_no_trust_is_refused(text: object, words: str) -> None:
    with pytest.raises(Refused) as caught:
        parse_trust(text)

    assert words in str(caught.value)
    assert "secret" not in str(caught.value)


def test_only_named_hosts_go_without_verification() -> None:
    assert parse_trust("*").skips_verification("any.host")
    assert parse_trust("A.corp").skips_verification("a.corp")
    assert not parse_trust("a.corp").skips_verification("b.corp")
    assert not parse_trust(f"sha256:{PIN}").skips_verification("a.corp")
    assert not parse_trust("ca:x.pem").skips_verification("a.corp")


@given(st.text(max_size=30) | st.text(st.sampled_from("a.:/*; ,[]@ca256sh"), max_size=30))
def test_any_text_is_a_trust_that_reads_back_or_is_refused(text: str) -> None:
    try:
        found = parse_trust(text)
    except Refused:
        return

    assert parse_trust(found.wire) == found
