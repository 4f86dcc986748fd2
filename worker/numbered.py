"""What sets the processes of one supervisor apart: the second is `celery-2@host`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from celery.utils.nodenames import nodename, nodesplit

if TYPE_CHECKING:
    from pathlib import Path


def numbered_node(name: str, number: int) -> str:
    """Return the name of the Celery node that is process *number* of those that are called *name*."""
    node, host = nodesplit(name)
    return name if number == 1 else str(nodename(f"{node}-{number}", host))


def numbered_file(path: Path, number: int) -> Path:
    """Return the file of process *number* where *path* is that of the first."""
    return path if number == 1 else path.with_name(f"{path.name}-{number}")
