from __future__ import annotations

import pytest

from tasks.smtp.extensions import Extensions
from tasks.smtp.replies import RawReply


def of(*lines: bytes) -> Extensions:
    return Extensions.of(RawReply(250, (b"server.example PIPELINING", *lines)))


def test_keywords_are_read_whatever_their_case() -> None:
    extensions = of(b"pipelining", b"Size 100", b"AUTH Plain login", b"", b"\xff\xfe")

    assert "PIPELINING" in extensions
    assert extensions.size_limit == 100
    assert extensions.mechanisms == {"PLAIN", "LOGIN"}


def test_the_greeting_is_no_keyword() -> None:
    assert "PIPELINING" not in of(b"SIZE")


def test_both_ways_of_offering_logins_add_up() -> None:
    assert of(b"AUTH PLAIN", b"AUTH=LOGIN XOAUTH2").mechanisms == {"PLAIN", "LOGIN", "XOAUTH2"}


@pytest.mark.parametrize(
    ("line", "limit"),
    [
        (b"SIZE 35882577", 35882577),
        (b"SIZE 0", None),
        (b"SIZE", None),
        (b"SIZE -1", None),
        (b"SIZE 1e9", None),
        (b"SIZE " + b"9" * 5000, None),
    ],
    ids=["number", "zero", "none", "negative", "float", "absurd"],
)
def test_the_size_limit_is_a_sensible_number_or_none(line: bytes, limit: int | None) -> None:
    assert of(line).size_limit == limit


def test_announced_limits_are_read() -> None:
    extensions = of(b"LIMITS MAILMAX=20 RCPTMAX=500 RCPTDOMAINMAX=1")

    assert (extensions.most_mails, extensions.most_recipients) == (20, 500)
    assert of(b"LIMITS").most_recipients is None
