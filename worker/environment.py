"""Where the settings of a worker come from: the only module of the worker that reads the environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from worker.settings import load

if TYPE_CHECKING:
    from worker.settings import Settings

_CELERYS = ("CELERY_BROKER_URL", "CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL", "CELERY_RESULT_BACKEND")


def settings_from_environment() -> Settings:
    """
    Return the settings of this process, and keep Celery from reading its own variables once more.

    Celery prefers them to what it is given, so with both kinds of names set the queue would be elsewhere
    than the journal.

    Raises:
        InvalidSettings: with one line for each setting that is wrong.
    """
    settings = load(
        environment_file=Path(".env"),
        configuration=Path(os.environ.get("POSTROOM_CONFIG", "postroom.toml")),
        secrets_folder=Path(os.environ.get("POSTROOM_SECRETS_FOLDER", "/run/secrets")),
    )
    for name in _CELERYS:
        os.environ.pop(name, None)
    return settings
