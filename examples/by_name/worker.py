"""The web app's own worker module, for its own tasks."""

from __future__ import annotations

from tasks import app

__all__ = ["app"]
