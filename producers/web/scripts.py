"""The gateway's Lua scripts, which stand beside this module."""

from __future__ import annotations

import hashlib
from importlib import resources

from tasks.journal.scripts import Script


def script(name: str) -> Script:
    """Read the script *name*."""
    source = resources.files("producers.web").joinpath(f"{name}.lua").read_text(encoding="utf-8")
    return Script(source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())
