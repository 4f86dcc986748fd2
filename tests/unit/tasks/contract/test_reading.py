"""JSON from outside is read quickly, and as Python's own reader reads it."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.contract.reading import read_json

_scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
_values = st.recursive(
    _scalars,
    lambda each: st.lists(each, max_size=5) | st.dictionaries(st.text(), each, max_size=5),
    max_leaves=20,
)
#: Texts that look like JSON more often than arbitrary ones do.
_nearly_json = st.lists(
    st.sampled_from(
        [*'{}[]",:0123456789eE+-. \t\n\\u', "true", "null", "NaN", "\\ud800", "\\u0000", '"a":', "é", "\x00"]
    ),
    max_size=12,
).map("".join)


@given(_values)
def test_what_python_writes_is_read_as_it_was(value: Any) -> None:
    assert read_json(json.dumps(value).encode()) == value
    assert read_json(json.dumps(value, ensure_ascii=False).encode()) == value


@given(_nearly_json | st.text())
@example('{"a": 1, "a": 2}')
@example("-0.0")
@example("123456789012345678901234567890")
@example('"\\ud83d\\ude00"')
def test_whatever_both_accept_means_the_same_to_both(text: str) -> None:
    with suppress(ValueError):
        raw = text.encode()
        found, expected = read_json(raw), json.loads(raw)
        assert (repr(found), type(found)) == (repr(expected), type(expected))


@given(st.binary(max_size=30))
def test_what_is_no_text_is_refused_or_read_and_nothing_else(raw: bytes) -> None:
    with suppress(ValueError):
        read_json(raw)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", '{"a": [NaN]}', '["\\ud800", NaN]'])
def test_numbers_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"NaN|Infinity|expected"):
        read_json(text.encode())


def test_a_number_beyond_all_floats_is_no_way_to_an_infinity_that_is_written_on() -> None:
    with suppress(ValueError):
        found = read_json(b"1e999")
        assert math.isinf(found)
        assert math.isinf(json.loads("1e999"))


@pytest.mark.parametrize("text", ['"\\ud800"', '{"\\udc00": "\\ud800 and on"}', '["\\ud800\\ud800"]'])
def test_a_lone_surrogate_is_read_as_python_reads_it(text: str) -> None:
    assert read_json(text.encode()) == json.loads(text)


def test_nesting_beyond_the_quick_reader_is_read_and_beyond_any_is_refused() -> None:
    deep = b"[" * 300 + b"]" * 300
    assert read_json(deep) == json.loads(deep)
    with pytest.raises((ValueError, RecursionError)):
        read_json(b"[" * 100_000)


@pytest.mark.parametrize(
    "raw", [b"", b" ", b"\xff", b"{} {}", b"[1,]", b"{'a': 1}", b'"\xed\xa0\x80"', b"\xef\xbb\xbf1"]
)
def test_what_is_no_json_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_json(raw)
