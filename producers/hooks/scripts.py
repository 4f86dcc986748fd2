"""The Lua scripts of the deliveries, which stand beside this module."""

from __future__ import annotations

from importlib import resources

from tasks.journal.scripts import Script


def script(name: str) -> Script:
    """Read the script *name*."""
    return Script.of(resources.files("producers.hooks").joinpath(f"{name}.lua").read_text(encoding="utf-8"))
