"""The shop's own worker module, for its own tasks."""

from __future__ import annotations

from celery import Celery

app = Celery("shop")
