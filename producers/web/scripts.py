"""The gateway's Lua scripts, which stand beside this module."""

from __future__ import annotations

from importlib import resources

from tasks.journal.scripts import Script


def script(name: str) -> Script:
    """Read the script *name*."""
    return Script.of(resources.files("producers.web").joinpath(f"{name}.lua").read_text(encoding="utf-8"))
