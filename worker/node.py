"""
One node of the worker: `celery -A worker.app worker` without what Celery's other commands need.

All that a node needs is imported with this module, apart from `worker.app`, which reads the settings: so a
supervisor can load it once, learns no secret, and forks processes that read the settings of their own day.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Final

from celery.bin.base import CLIContext
from celery.bin.worker import worker as command

if TYPE_CHECKING:
    from collections.abc import Sequence

#: What Celery imports by name when a node starts, and what `worker.app` imports.
_LATER: Final = (
    "celery.app.control",
    "celery.app.log",
    "celery.apps.worker",
    "celery.backends.redis",
    "celery.fixups.django",
    "celery.worker.autoscale",
    "celery.worker.components",
    "celery.worker.consumer",
    "celery.worker.control",
    "celery.worker.loops",
    "encodings.idna",
    "tasks.journal.sweeper",
    "tasks.password_reset.assembly",
    "tasks.send_email",
    "worker.composition",
    "worker.consumer",
    "worker.dispatch.setup",
    "worker.dispatch.strategy",
    "worker.environment",
    "worker.logs",
    "worker.memory",
    "worker.notifying",
    "worker.numbered",
    "worker.outputs",
    "worker.queue",
    "worker.requests",
    "worker.settings",
    "worker.settings_sources",
    "worker.starting",
    "worker.sweeping",
    "worker.watchdog",
)

for _name in _LATER:
    importlib.import_module(_name)


def main(arguments: Sequence[str]) -> None:
    """Become a node; *arguments* are those of `celery worker`. It ends with `SystemExit`."""
    from worker.app import app  # noqa: PLC0415 - reads the settings, which must be those of this process

    context = CLIContext(app=app, no_color=False, workdir=None)
    # The variables that set options are those that `celery worker` has.
    command.main(list(arguments), prog_name="worker.node", obj=context, auto_envvar_prefix="CELERY_WORKER")


if __name__ == "__main__":
    main(sys.argv[1:])
