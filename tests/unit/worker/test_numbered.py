"""The processes of one supervisor have names and files of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from worker.environment import process_number
from worker.numbered import numbered_file, numbered_node
from worker.settings_sources import InvalidSettings


def test_the_first_process_is_called_as_if_it_were_alone() -> None:
    assert numbered_node("celery@host", 1) == "celery@host"
    assert numbered_file(Path("/run/beat"), 1) == Path("/run/beat")


def test_further_ones_have_their_number_behind_the_name() -> None:
    assert numbered_node("celery@host.example", 2) == "celery-2@host.example"
    assert numbered_file(Path("/run/beat"), 12) == Path("/run/beat-12")


@pytest.mark.parametrize(("text", "number"), [("", 1), ("1", 1), ("64", 64)])
def test_the_number_is_what_the_supervisor_says(
    text: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTROOM_PROCESS", text)

    assert process_number() == number


@pytest.mark.parametrize("text", ["0", "-1", "two", "²"])
def test_another_number_is_refused_by_its_name(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_PROCESS", text)

    with pytest.raises(InvalidSettings, match="POSTROOM_PROCESS: must be a whole number"):
        process_number()
