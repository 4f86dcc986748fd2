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
        ("greylisted:60 seconds", 60.0),
        ("retry after 00:05:00: greylisted", 300.0),
        ("Wait. 5 minutes", 300.0),
        ("wait 1,500 seconds", None),
        ("wait .5 hours", None),
        ("try again, 2001:db8::10 s", None),
        ("try again, 12:34:56::10 s", None),
        ("try again later [mx1 2024-01-15 10:11:12]", None),
        ("try again at 12:30:00", None),
        ("try again at  12:30:00", None),
        ("try again, at=12:30:00", None),
        ("retry at: 12:30:00", None),
        ("retry by 12:30:00", None),
        ("do not retry till 12:30:00", None),
        ("greylisted,  retry  in 00:05:00", 300.0),
        ("Greylisted until 00:05:00 UTC", None),
        ("do not retry before 23:59:59", None),
        ("4.3.2 system not accepting messages", None),
    ],
)
def test_the_pause_that_a_text_asks_for_is_in_seconds(text: str, seconds: float | None) -> None:
    assert retry_after(text) == seconds


@given(st.integers(0, 10**6 - 1), st.sampled_from(["s", " sec", " seconds"]))
def test_any_whole_number_of_seconds_is_a_pause(number: int, unit: str) -> None:
    assert retry_after(f"Greylisted, try again in {number}{unit}") == min(number, LONGEST_PAUSE)


@given(st.ip_addresses(v=4).map(str) | st.decimals(0, 10**5, places=2).map(str), st.sampled_from("smh"))
def test_the_digits_at_the_end_of_an_address_or_a_decimal_are_no_pause(number: str, unit: str) -> None:
    assert retry_after(f"try again, {number} {unit}") is None


@given(st.text(max_size=600))
def test_no_text_is_too_odd(text: str) -> None:
    pause = retry_after(text)

    assert pause is None or 0.0 <= pause <= LONGEST_PAUSE
    assert queue_id(text) is None or queue_id(text) in text
