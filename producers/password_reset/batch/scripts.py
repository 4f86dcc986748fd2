"""The Lua scripts of batches."""

from __future__ import annotations

import hashlib
from importlib import resources

from tasks.journal.scripts import Script


def named(name: str) -> Script:
    """Read the script *name* that stands beside this module."""
    source = resources.files("producers.password_reset.batch").joinpath(f"{name}.lua").read_text("utf-8")
    return Script(source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())
