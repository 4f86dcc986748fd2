"""`postroom integration` prints what a web application copies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[4] / "examples"


@pytest.mark.parametrize("name", ["flask", "fastapi"])
def test_it_prints_the_file_that_the_example_has(name: str, postroom: Any) -> None:
    code, text, errors = postroom("integration", name)

    assert (code, errors) == (0, "")
    assert text == (EXAMPLES / name / "postroom.py").read_text()


def test_programs_get_an_object(postroom: Any) -> None:
    _, document, _ = postroom("integration", "plain", "--json")

    assert document["integration"] == "plain"
    assert "class Client:" in document["text"]


def test_a_framework_that_there_is_no_file_for_is_refused_with_the_others_named(postroom: Any) -> None:
    code, _, errors = postroom("integration", "rails")

    assert code == 2
    assert "django" in errors
