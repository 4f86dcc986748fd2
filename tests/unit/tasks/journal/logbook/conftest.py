"""A shelf for logbooks of a journal at no real place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tasks.journal.logbook.shelf import Shelf

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where logbooks lie."""
    return tmp_path / "logbooks"


@pytest.fixture
def shelf(folder: Path) -> Shelf:
    """A shelf that was opened."""
    shelf = Shelf(folder, "redis://redis.example/0")
    shelf.open()
    return shelf
