"""What is written for the queue and for comparison, against the standard library's JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.contract.validation import parse
from tasks.contract.wire import write

MAIL: dict[str, Any] = {"to": "ann@example.org", "subject": "s", "body": "b"}


def canonical(fields: dict[str, Any]) -> bytes:
    """Write *fields* as fingerprints of mails that wait in a journal were made of them."""
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode("ascii")


@given(st.text(), st.integers(0, 300))
@example("".join(map(chr, range(0x80))), 2)
@example("\x7f", 300)
@example("\ud800", 300)
@example('"\\/\r\n\t\b\f\x00\x1f', 30)
def test_a_text_is_written_as_the_standard_library_does_however_long_it_is(text: str, times: int) -> None:
    fields = {"body": text * times}

    assert write(fields, essential=set(fields)).canonical == canonical(fields)


@pytest.mark.parametrize(
    ("more", "aside"),
    [
        ({}, set()),
        ({"cc": ["b@x.org", "c@x.org"], "body": "line\n" * 100}, set()),
        ({"idempotency_key": "k"}, {"idempotency_key"}),
        ({"timeout": 60_000, "email_format": "plain"}, {"timeout", "email_format"}),
        ({"headers": {"X-B": "1", "X-A": "2"}}, set()),
    ],
    ids=["plain", "lists", "key", "defaults", "headers"],
)
def test_the_payload_has_what_was_set_and_the_canonical_form_what_counts(
    more: dict[str, Any], aside: set[str]
) -> None:
    mail = parse({**MAIL, **more})
    message, written = mail.to_message(), mail.written()
    essential = {name: value for name, value in message.items() if name not in aside}

    assert json.loads(written.payload) == message
    assert written.canonical == canonical(essential)


def test_headers_travel_in_their_order_and_are_compared_without_it() -> None:
    one, other = (
        parse({**MAIL, "headers": headers}).written()
        for headers in ({"X-B": "1", "X-A": "2"}, {"X-A": "2", "X-B": "1"})
    )

    assert list(json.loads(one.payload)["headers"]) == ["X-B", "X-A"]
    assert one.payload != other.payload
    assert one.canonical == other.canonical
