"""The files that web applications copy stand alone, and the examples have the newest."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from producers.integrations.bundle import COPIES, PARTS, bundle

ROOT = Path(__file__).parents[4]
#: What celery[redis] brings.
CELERYS = {"celery", "kombu", "redis"}
OWN = {"django": {"django"}, "flask": {"flask"}, "fastapi": {"starlette"}, "plain": set()}


def imported(text: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


def names(text: str) -> list[str]:
    """Return what a file defines at its top, in order."""
    found = []
    for node in ast.parse(text).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.append(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets: list[Any] = node.targets if isinstance(node, ast.Assign) else [node.target]
            found += [target.id for target in targets]
    return found


@pytest.mark.parametrize("name", COPIES)
def test_the_examples_copy_is_up_to_date(name: str) -> None:
    """If this fails: make schema."""
    assert (ROOT / COPIES[name]).read_text(encoding="utf-8") == bundle(name)


@pytest.mark.parametrize("name", PARTS)
def test_a_file_needs_the_framework_and_celery_only(name: str) -> None:
    assert imported(bundle(name)) - sys.stdlib_module_names == CELERYS | OWN[name]


@pytest.mark.parametrize("name", PARTS)
def test_no_module_takes_a_name_that_another_has(name: str) -> None:
    text = bundle(name)
    own = names(text)

    assert [each for each, count in Counter(own).items() if count > 1] == []
    assert {"Client", "Mail", "File", "Refused", "Unavailable"} <= set(own)


@pytest.mark.parametrize("name", PARTS)
def test_a_file_says_where_it_is_from_and_may_be_copied(name: str) -> None:
    says = ast.get_docstring(ast.parse(bundle(name))) or ""

    assert f"postroom integration {name}" in says
    assert "SPDX-License-Identifier: MIT" in says


def test_a_module_that_says_nothing_of_its_own_is_left_out_of_no_file() -> None:
    """Every module beside the tool itself is part of some file."""
    modules = {file.stem for file in (ROOT / "producers" / "integrations").glob("[!_]*.py")}

    assert {part for parts in PARTS.values() for part in parts} == modules - {"bundle"}
