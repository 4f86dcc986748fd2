"""
Flower's configuration: behind a login, looking only, showing no mail.

Flower runs this file and takes every name that is one of its options (`celery -A worker.app flower
--conf=worker/flowerconfig.py`). What stands here wins over Flower's own environment variables.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from worker.flowerlogins import LoginRefused, logins

try:
    basic_auth = logins(os.environ)
except LoginRefused as exc:
    print(f"postroom flower: {exc}", file=sys.stderr)  # noqa: T201 - a command line's error message
    sys.exit(2)


def format_task(task: Any) -> Any:
    """Hide a task's arguments on Flower's pages: they are the mail."""
    task.args = task.kwargs = "(hidden)"
    return task


address = os.environ.get("FLOWER_ADDRESS") or "127.0.0.1"
port = int(os.environ.get("FLOWER_PORT") or 5555)
auth = ""  # OAuth would replace the login above.
read_only = True
debug = False
persistent = False  # A file of tasks would outlive what it shows.
max_tasks = 10_000  # About 20 MB; the journal, not Flower, is the record.
max_workers = 100
purge_offline_workers = 3600
tasks_columns = "name,uuid,state,received,started,runtime,worker"
