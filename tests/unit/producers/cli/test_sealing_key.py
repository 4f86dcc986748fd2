"""`postroom sealing-key` prints keys that the settings accept."""

from __future__ import annotations

from typing import Any

from tasks.journal.sealing_keys import parse_keys


def test_it_prints_a_new_key_each_time(postroom: Any) -> None:
    code, first, errors = postroom("sealing-key")
    second = postroom("sealing-key")[1]

    assert (code, errors) == (0, "")
    assert len(parse_keys(first + second)) == 2
    assert first != second


def test_programs_get_an_object(postroom: Any) -> None:
    _, document, _ = postroom("sealing-key", "--json")

    assert len(parse_keys(document["key"])) == 1
