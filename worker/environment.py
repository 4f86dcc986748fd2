"""Where the settings of a worker come from: the only module of the worker that reads the environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from worker.settings import load

if TYPE_CHECKING:
    from worker.settings import Settings


def settings_from_environment() -> Settings:
    """
    Return the settings of this process.

    Raises:
        InvalidSettings: with one line for each setting that is wrong.
    """
    return load(
        environment_file=Path(".env"),
        configuration=Path(os.environ.get("POSTROOM_CONFIG", "postroom.toml")),
        secrets_folder=Path(os.environ.get("POSTROOM_SECRETS_FOLDER", "/run/secrets")),
    )
