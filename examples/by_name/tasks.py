"""The shop's own tasks; that Postroom has a package of this name does not matter here."""

from __future__ import annotations

import os

from celery import Celery

broker = os.environ.get("POSTROOM_BROKER_URL", "redis://127.0.0.1:6379/0")
app = Celery("shop", broker=broker, backend=broker)


@app.task
def count_stock() -> int:
    """Do something of the shop's own."""
    return 42
