from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.contract.codes import Phase
from tasks.failures import Reply
from tasks.smtp.replies import (
    LONGEST_TEXT,
    MEANING,
    RawReply,
    Verdict,
    is_temporary,
    is_too_many_recipients,
    meaning,
    over_announced_limit,
    read,
)


@pytest.mark.parametrize(
    ("phase", "code", "verdict"),
    [
        (Phase.CONNECT, 220, Verdict.ACCEPTED),
        (Phase.CONNECT, 421, Verdict.TRANSIENT),
        (Phase.CONNECT, 554, Verdict.PERMANENT),
        (Phase.CONNECT, 354, Verdict.NONSENSE),
        (Phase.TLS, 220, Verdict.ACCEPTED),
        (Phase.TLS, 454, Verdict.TRANSIENT),
        (Phase.AUTH, 235, Verdict.ACCEPTED),
        (Phase.AUTH, 334, Verdict.CONTINUE),
        (Phase.AUTH, 432, Verdict.TRANSIENT),
        (Phase.AUTH, 454, Verdict.TRANSIENT),
        (Phase.AUTH, 535, Verdict.PERMANENT),
        (Phase.MAIL, 250, Verdict.ACCEPTED),
        (Phase.MAIL, 452, Verdict.TRANSIENT),
        (Phase.MAIL, 530, Verdict.PERMANENT),
        (Phase.RCPT, 251, Verdict.ACCEPTED),
        (Phase.RCPT, 252, Verdict.ACCEPTED),
        (Phase.RCPT, 450, Verdict.TRANSIENT),
        (Phase.RCPT, 550, Verdict.PERMANENT),
        (Phase.RCPT, 354, Verdict.NONSENSE),
        (Phase.DATA, 354, Verdict.CONTINUE),
        (Phase.DATA, 250, Verdict.NONSENSE),
        (Phase.DATA, 451, Verdict.TRANSIENT),
        (Phase.DATA, 554, Verdict.PERMANENT),
        (Phase.FINAL, 250, Verdict.ACCEPTED),
        (Phase.FINAL, 299, Verdict.ACCEPTED),
        (Phase.FINAL, 354, Verdict.NONSENSE),
        (Phase.FINAL, 421, Verdict.TRANSIENT),
        (Phase.FINAL, 552, Verdict.PERMANENT),
    ],
)
def test_a_code_means_what_its_class_says_in_its_phase(phase: Phase, code: int, verdict: Verdict) -> None:
    assert meaning(RawReply(code, (b"text",)), phase) is verdict


def test_every_phase_has_a_meaning_for_refusals() -> None:
    assert set(MEANING) == set(Phase)
    assert all(table[4] is Verdict.TRANSIENT and table[5] is Verdict.PERMANENT for table in MEANING.values())


@pytest.mark.parametrize(
    ("lines", "text", "status"),
    [
        ((b"2.0.0 Ok: queued as ABC",), "Ok: queued as ABC", "2.0.0"),
        ((b"5.1.1 no such user", b"5.1.1 ask somebody"), "no such user ask somebody", "5.1.1"),
        ((b"fine",), "fine", None),
        ((b"",), "", None),
        ((b"5.7.1",), "", "5.7.1"),
        ((b"1.2.3 no status", b"127.0.0.1 is no status"), "1.2.3 no status 127.0.0.1 is no status", None),
        ((b"a\0b\x1b[31mc\td",), "a b [31mc d", None),
        (("grüße ✓".encode(),), "grüße ✓", None),
        ("grüße".encode("latin-1").splitlines(), "grüße", None),
        ((b"<bob.smith@example.com>: unknown",), "<b***@example.com>: unknown", None),
    ],
    ids=["one", "two", "none", "empty", "status alone", "numbers", "controls", "UTF-8", "Latin-1", "address"],
)
def test_a_reply_becomes_one_clean_line(lines: tuple[bytes, ...], text: str, status: str | None) -> None:
    assert read(RawReply(550, tuple(lines))) == Reply(550, text, status)


@given(st.lists(st.binary(max_size=3000), min_size=1, max_size=5))
def test_whatever_a_server_writes_becomes_a_short_printable_line(lines: list[bytes]) -> None:
    text = read(RawReply(250, tuple(lines))).text

    assert len(text) <= LONGEST_TEXT
    assert text.isprintable()
    assert text == text.strip()


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(452, "Error: too many recipients", "4.5.3"), True),
        (Reply(452, "Too many recipients"), True),
        (Reply(552, "Too many recipients received"), True),
        (over_announced_limit(100), True),
        (Reply(452, "Insufficient system storage", "4.3.1"), False),
        (Reply(550, "no such user", "5.1.1"), False),
    ],
    ids=["status", "text", "552", "announced", "storage", "unknown"],
)
def test_too_many_recipients_is_told_from_other_refusals(reply: Reply, *, expected: bool) -> None:
    assert is_too_many_recipients(reply) is expected


def test_552_to_a_recipient_is_read_as_452_where_it_means_too_many() -> None:
    assert meaning(RawReply(552, (b"too many recipients",)), Phase.RCPT) is Verdict.TRANSIENT
    assert meaning(RawReply(552, (b"mailbox full",)), Phase.RCPT) is Verdict.PERMANENT


def test_a_recipient_refused_with_4yz_may_be_accepted_later() -> None:
    assert is_temporary(Reply(450, "busy"))
    assert not is_temporary(Reply(550, "no"))
    assert not is_temporary(Reply(602, "not here"))
