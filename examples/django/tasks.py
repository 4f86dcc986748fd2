"""The shop's own tasks; that Postroom has a package of this name does not matter here."""

from __future__ import annotations

from celery import shared_task


@shared_task
def count_stock() -> int:
    """Do something of the shop's own."""
    return 42
