from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.message.identity import Identity

ACCEPTED = datetime(2026, 11, 22, 18, 30, 15, 999_999, tzinfo=UTC)
MSG_ID = re.compile(r"<[0-9a-f]{32}@example\.com>")


@given(mail_id=st.text(st.characters()))
def test_any_mail_id_gives_a_valid_message_id(mail_id: str) -> None:
    identity = Identity.of(mail_id, ACCEPTED, "example.com")

    assert MSG_ID.fullmatch(identity.message_id)


def test_every_attempt_has_the_same_identity() -> None:
    assert Identity.of("one", ACCEPTED, "example.com") == Identity.of("one", ACCEPTED, "example.com")


def test_different_mails_have_different_message_ids() -> None:
    first, second = (Identity.of(mail_id, ACCEPTED, "example.com") for mail_id in ("one", "two"))

    assert first.message_id != second.message_id


def test_the_message_id_does_not_show_the_mail_id() -> None:
    assert "3d1f8a52" not in Identity.of("3d1f8a52-7a0c-4b5e", ACCEPTED, "example.com").message_id


@pytest.mark.parametrize("domain", ["", "exa mple.com", "a\r\nBcc: x@y.z", "a>b", "münchen.example"])
def test_a_domain_that_cannot_stand_in_a_header_is_replaced(domain: str) -> None:
    assert Identity.of("one", ACCEPTED, domain).message_id.endswith("@postroom.invalid>")


@pytest.mark.parametrize(
    "accepted",
    [
        ACCEPTED,
        ACCEPTED.replace(tzinfo=None),
        ACCEPTED.astimezone(timezone(timedelta(hours=5, minutes=30))),
    ],
    ids=["utc", "naive", "other zone"],
)
def test_the_date_is_in_utc_and_whole_seconds(accepted: datetime) -> None:
    date = Identity.of("one", accepted, "example.com").date

    assert date.isoformat() == "2026-11-22T18:30:15+00:00"
