"""The examples of the how-to run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

_PAGE = Path(__file__).parents[4] / "docs" / "howto" / "testing-with-the-scripted-server.md"
_EXAMPLES = re.findall(r"```python\n(.*?)```", _PAGE.read_text(), re.DOTALL)


def test_the_page_has_examples() -> None:
    assert len(_EXAMPLES) == 3


@pytest.mark.parametrize("example", _EXAMPLES, ids=lambda text: re.findall(r"def (test_\w+)", text)[0])
def test_an_example_passes(example: str) -> None:
    names: dict[str, object] = {}
    exec(example, names)  # noqa: S102  # our own page
    tests = [value for name, value in names.items() if name.startswith("test_")]

    assert tests
    for test in tests:
        test()
