"""The Lua scripts of batches."""

from __future__ import annotations

from importlib import resources

from tasks.journal.scripts import Script


def named(name: str) -> Script:
    """Read the script *name* that stands beside this module."""
    file = resources.files("producers.password_reset.batch").joinpath(f"{name}.lua")
    return Script.of(file.read_text(encoding="utf-8"))
