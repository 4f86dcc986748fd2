"""A plain body is decoded as kombu decodes it; everything else is left to kombu."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kombu.compression import compress
from kombu.message import Message

from worker.decoding import decode_plain

BODY = [[], {"to": "ann@example.org", "subject": "Grüße 💌", "timeout": 60000}, {"chain": None}]


def message(body: Any = None, **options: Any) -> Message:
    options = {"content_type": "application/json", "content_encoding": "utf-8", **options}
    return Message(
        body if body is not None else json.dumps(BODY).encode(), accept={"application/json"}, **options
    )


def is_decoded(found: Any) -> bool:
    return found._decoded_cache is not None  # noqa: SLF001 (kombu's own place for it)


def test_a_plain_body_is_decoded_once_and_kombu_takes_it_as_it_is() -> None:
    found: Any = message()
    decode_plain(found)

    assert is_decoded(found)
    assert found.payload == BODY
    assert found.payload is found._decoded_cache  # noqa: SLF001 (as above)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda each: st.lists(each, max_size=4) | st.dictionaries(st.text(), each, max_size=4),
    )
)
def test_it_says_what_kombu_would_have_made_of_it(value: Any) -> None:
    body = json.dumps(value).encode()
    ours, kombus = message(body), message(body)
    decode_plain(ours)

    assert ours.payload == kombus.payload


@pytest.mark.parametrize(
    "options",
    [
        {"content_type": "application/x-yaml"},
        {"content_encoding": "latin-1"},
        {"headers": {"compression": "application/x-gzip"}},
        {"body": b'[[], {"when": {"__type__": "datetime", "__value__": "2026-01-01T00:00:00"}}, {}]'},
        {"body": json.dumps(BODY)},
        {"body": b"no JSON"},
        {"body": b"[NaN]"},
        {"body": b"\xff"},
    ],
    ids=["type", "encoding", "compressed", "a kind that JSON has not", "text", "garbage", "NaN", "no UTF-8"],
)
def test_everything_else_is_left_to_kombu(options: dict[str, Any]) -> None:
    found = message(**options)
    decode_plain(found)

    assert not is_decoded(found)


def test_a_compressed_body_still_comes_out_right() -> None:
    body, kind = compress(json.dumps(BODY).encode(), "gzip")
    found = message(body, headers={"compression": kind})
    decode_plain(found)

    assert found.payload == BODY
