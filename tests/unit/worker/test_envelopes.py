"""Which queue entries are messages."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.envelopes import MAX_ENTRY, Poison, Sound, examine

SOUND: dict[str, Any] = {
    "body": "W10=",
    "headers": {"task": "send_email"},
    "properties": {"delivery_tag": "t", "body_encoding": "base64", "priority": 3},
}


def reason(raw: bytes) -> str:
    verdict = examine(raw, lane="default")

    assert isinstance(verdict, Poison), verdict
    return verdict.reason


def spoilt(**changes: Any) -> bytes:
    return json.dumps({**SOUND, **changes}).encode()


def test_a_sound_entry_keeps_what_it_has_and_goes_back_where_it_came_from() -> None:
    verdict = examine(json.dumps(SOUND).encode(), lane="reset")

    assert isinstance(verdict, Sound)
    assert verdict.payload == {
        **SOUND,
        "properties": {**SOUND["properties"], "delivery_info": {"exchange": "", "routing_key": "reset"}},
    }


@pytest.mark.parametrize("priority", [None, -1, 256, "high", 1.5, True, [], 10**30], ids=str)
def test_a_priority_that_is_none_is_dropped(priority: Any) -> None:
    verdict = examine(spoilt(properties={"delivery_tag": "t", "priority": priority}), lane="default")

    assert isinstance(verdict, Sound)
    assert verdict.payload["properties"]["priority"] == 0


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"\xff", "is not JSON"),
        (b'{"a": Infinity}', "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"1" * 5000, "is not JSON"),
        (b"[]", "is not a JSON object"),
        (b"{}", "properties: must be an object"),
        (spoilt(headers=[]), "headers: must be an object"),
        (spoilt(properties={}), "properties.delivery_tag: must be a short text"),
        (spoilt(properties={"delivery_tag": "t" * 256}), "properties.delivery_tag: must be a short text"),
        (spoilt(properties={"delivery_tag": "\ud800"}), "properties.delivery_tag: must be a short text"),
        (spoilt(body=""), "body: must be text"),
        (spoilt(body="A"), "body: is not base64"),
        (
            spoilt(body="\ud800", properties={"delivery_tag": "t"}),
            "body: is not utf-8",
        ),
        (
            spoilt(properties={"delivery_tag": "t", "body_encoding": 7}),
            "properties.body_encoding: must be base64 or utf-8",
        ),
        (spoilt(headers={"compression": "gzip"}), "body: cannot be decompressed, or is too large then"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_said(raw: bytes, expected: str) -> None:
    assert reason(raw) == expected


def test_an_entry_without_headers_gets_some() -> None:
    """Kombu loses a message without headers when it puts it back."""
    verdict = examine(spoilt(headers=None), lane="default")

    assert isinstance(verdict, Sound)
    assert verdict.payload["headers"] == {}


def test_what_is_too_large_is_not_parsed() -> None:
    assert reason(b" " * (MAX_ENTRY + 1)) == f"is larger than {MAX_ENTRY} bytes"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    raw=st.binary()
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.builds(spoilt, body=JSON, headers=JSON, properties=JSON)
)
def test_there_is_a_verdict_on_anything(raw: bytes) -> None:
    assert isinstance(examine(raw, lane="default"), Sound | Poison)
