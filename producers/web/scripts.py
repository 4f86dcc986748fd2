"""The gateway's Lua scripts, which stand beside this module."""

from __future__ import annotations

from importlib import resources

from tasks.journal.scripts import Script


def script(name: str) -> Script:
    """Read the script *name*."""
    return Script.of(_text(name))


def composed(name: str, *parts: str) -> Script:
    """Read the script *name*, which calls the scripts *parts* as functions of keys and arguments."""
    functions = [f"local function {part}(KEYS, ARGV)\n{_text(part)}\nend" for part in parts]
    return Script.of("\n".join([*functions, _text(name)]))


def _text(name: str) -> str:
    return resources.files("producers.web").joinpath(f"{name}.lua").read_text(encoding="utf-8")
