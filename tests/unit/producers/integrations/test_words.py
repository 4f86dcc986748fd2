"""A copied file allows what the contract allows."""

from __future__ import annotations

import pytest

from producers.integrations import words
from tasks.contract import limits
from tasks.contract.errors import Refused
from tasks.contract.headers import parse_headers
from tasks.contract.labels import LABELS
from tasks.contract.names import Lane


def test_lanes_and_fields_are_the_contracts() -> None:
    assert tuple(Lane) == words.LANES
    assert set(LABELS) == words.FIELDS


def test_headers_are_the_contracts() -> None:
    with pytest.raises(Refused) as refused:
        parse_headers({"Unheard-Of": "1"})
    listed = refused.value.problems[0].expected.removeprefix("use X-* or one of ")

    assert set(listed.lower().split(", ")) == words.HEADERS


def test_numbers_are_the_contracts() -> None:
    names = [name for name in dir(words) if name.startswith(("MAX_", "MIN_"))]

    assert {name: getattr(words, name) for name in names} == {name: getattr(limits, name) for name in names}
    assert len(names) == 6
