from __future__ import annotations

import pytest

from tasks.smtp.login import Mechanism
from tasks.smtp.sasl import script


def test_plain_goes_with_auth_itself() -> None:
    assert script(Mechanism.PLAIN, "ann", "pässword").initial == b"\0ann\0p\xc3\xa4ssword"


def test_plain_that_is_too_long_for_a_line_waits_to_be_asked() -> None:
    exchange = script(Mechanism.PLAIN, "ann", "x" * 400)

    assert exchange.initial is None
    assert [answer(b"") for answer in exchange.answers] == [b"\0ann\0" + b"x" * 400]


def test_login_answers_name_then_password() -> None:
    exchange = script(Mechanism.LOGIN, "ann", "secret")

    assert exchange.initial is None
    assert [answer(b"?") for answer in exchange.answers] == [b"ann", b"secret"]


def test_cram_md5_answers_as_in_its_rfc() -> None:
    (answer,) = script(Mechanism.CRAM_MD5, "tim", "tanstaaftanstaaf").answers

    assert answer(b"<1896.697170952@postoffice.reston.mci.net>") == b"tim b913a602c7eda7a495b4e6e7334d3890"


@pytest.mark.parametrize(
    ("mechanism", "initial", "seen"),
    [
        (Mechanism.XOAUTH2, b"user=a=b,c\x01auth=Bearer T\x01\x01", b""),
        (Mechanism.OAUTHBEARER, b"n,a=a=3Db=2Cc,\x01auth=Bearer T\x01\x01", b"\x01"),
    ],
)
def test_tokens_are_sent_at_once_and_an_error_is_only_acknowledged(
    mechanism: Mechanism, initial: bytes, seen: bytes
) -> None:
    exchange = script(mechanism, "a=b,c", "T")

    assert exchange.initial == initial
    assert [answer(b'{"status":"401"}') for answer in exchange.answers] == [seen]
