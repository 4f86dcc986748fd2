"""Headers, metadata, moments: what a message may add, and when it is too late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

import pytest

from tasks.contract.errors import Refused
from tasks.contract.headers import parse_headers
from tasks.contract.metadata import parse_metadata
from tasks.contract.moments import parse_moment


def test_headers_get_their_usual_spelling_and_x_headers_keep_theirs() -> None:
    given = {
        "in-reply-to": " <a@b> ",
        "LIST-UNSUBSCRIBE": "<https://x>",
        "X-Campaign": "spring é",
        "x-a": "b",
    }

    assert parse_headers(given) == {
        "In-Reply-To": "<a@b>",
        "List-Unsubscribe": "<https://x>",
        "X-Campaign": "spring é",
        "x-a": "b",
    }


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"Bcc": "a@x.com"}, "use the field bcc"),
        ({"FROM": "a@x.com"}, "use the field sender"),
        ({"Sender": "a@x.com"}, "use the field sender"),
        ({"To": "a"}, "use the field to"),
        ({"Subject": "a"}, "use the field subject"),
        ({"Reply-To": "a"}, "use the field reply_to"),
        ({"Content-Type": "a"}, "use the fields email_format and encoding"),
        ({"Content-Language": "a"}, "may not be set"),
        ({"Date": "a"}, "made when"),
        ({"Message-ID": "a"}, "made from the task id"),
        ({"MIME-Version": "1.0"}, "made with the mail"),
        ({"DKIM-Signature": "a"}, "may not be set"),
        ({"Received": "a"}, "may not be set"),
        ({"X-": "a"}, "may not be set"),
        ({"X-A: b\r\nBcc": "a"}, "is no header name"),
        ({"X A": "a"}, "is no header name"),
        ({"X-É": "a"}, "is no header name"),
        ({"X-A\n": "a"}, "is no header name"),
        ({"": "a"}, "is no header name"),
        ({"X-" + "a" * 63: "a"}, "is no header name"),
        ({3: "a"}, "is no header name"),
        ({"X-A": "a\r\nBcc: b"}, "contains line breaks"),
        ({"X-A": "a\x00"}, "contains control characters"),
        ({"X-A": "a\tb"}, "contains control characters"),
        ({"X-A": "\ud800"}, "cannot be sent"),
        ({"X-A": "a" * 999}, "at most 998"),
        ({"X-A": " "}, "is blank"),
        ({"X-A": 3}, "must be text"),
        ({"X-A": "1", "x-a": "2"}, "given twice"),
        ({f"X-{n}": "a" for n in range(21)}, "at most 20"),
        ([], "must be an object"),
        ("X-A: b", "must be an object"),
    ],
)
def test_a_header_that_may_not_be_set_is_refused(given: Any, words: str) -> None:
    with pytest.raises(Refused) as caught:
        parse_headers(given)

    assert words in str(caught.value)


def test_every_wrong_header_is_named() -> None:
    with pytest.raises(Refused) as caught:
        parse_headers({"Bcc": "x", "X-A": "ok", "Date": "x"})

    assert len(caught.value.problems) == 2


def test_metadata_is_a_small_map_of_text() -> None:
    assert parse_metadata({"order": "17", "k" * 40: "v" * 200}) == {"order": "17", "k" * 40: "v" * 200}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"order": 17}, "entry 1 is no text"),
        ({17: "order"}, "entry 1 is no text"),
        ({"a": "b", "": "x"}, "entry 2 has a bad key"),
        ({"k" * 41: "x"}, "1-40 characters"),
        ({"k": "v" * 201}, "at most 200 characters"),
        ({"k": "a\nb"}, "contains control characters"),
        ({"k\x00": "a"}, "contains control characters"),
        ({"k": "\udc00"}, "contains control characters"),
        ({str(n): "" for n in range(21)}, "at most 20"),
        (["a"], "must be an object"),
    ],
)
def test_metadata_that_is_not_small_text_is_refused(given: Any, words: str) -> None:
    with pytest.raises(Refused) as caught:
        parse_metadata(given)

    assert words in str(caught.value)


class Nowhere(tzinfo):
    """A time zone that does not know its offset."""

    def utcoffset(self, _: datetime | None) -> None:
        return None

    def dst(self, _: datetime | None) -> None:
        return None

    def tzname(self, _: datetime | None) -> None:
        return None


NOON = datetime(2030, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        NOON,
        NOON.astimezone(timezone(timedelta(hours=5))),
        "2030-01-31T12:00:00Z",
        " 2030-01-31 14:00:00+02:00 ",
        int(NOON.timestamp()),
        NOON.timestamp(),
    ],
)
def test_a_moment_is_kept_in_utc(value: object) -> None:
    found = parse_moment(value)

    assert found == NOON
    assert found.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (NOON.replace(tzinfo=None), "has no time zone"),
        (NOON.replace(tzinfo=Nowhere()), "has no time zone"),
        ("2030-01-31T12:00:00", "add an offset such as Z"),
        ("2030-01-31", "add an offset"),
        ("tomorrow", "is no moment"),
        (NOON.timestamp() * 1000, "not milliseconds"),
        (10**400, "is no moment"),
        (float("nan"), "is no moment"),
        (float("inf"), "is no moment"),
        ("9999-12-31T23:59:59-12:00", "is no moment"),
        (900, "not a duration"),
        (True, "is a boolean"),
        ([], "is a list"),
    ],
)
def test_what_is_no_clear_moment_is_refused(value: object, words: str) -> None:
    with pytest.raises(Refused) as caught:
        parse_moment(value)

    assert words in str(caught.value)
