"""Where the settings of a worker come from: the only module of the worker that reads the environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from worker.doctor.examination import Surroundings
from worker.flowerlogins import LoginRefused, logins
from worker.kept import PROCESS, SUPERVISOR
from worker.settings_sources import InvalidSettings, load

if TYPE_CHECKING:
    from worker.settings import Settings

_CONTAINER_MARKS: Final = (Path("/.dockerenv"), Path("/run/.containerenv"))

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


def process_number() -> int:
    """
    Return which one this process is, from 1, of those that one supervisor keeps.

    Raises:
        InvalidSettings: somebody else than the supervisor said so, and it is no number.
    """
    text = os.environ.get(PROCESS) or "1"
    if not (text.isascii() and text.isdigit() and int(text)):
        raise InvalidSettings(
            f"{PROCESS}: must be a whole number from 1; leave it to worker.supervise to set it"
        )
    return int(text)


def surroundings() -> Surroundings:
    """Return what the environment tells of this process's supervisor and container."""
    is_container = "KUBERNETES_SERVICE_HOST" in os.environ or any(mark.exists() for mark in _CONTAINER_MARKS)
    return Surroundings(supervisor=_supervisor(is_container=is_container), is_container=is_container)


def _supervisor(*, is_container: bool) -> str | None:
    if name := os.environ.get(SUPERVISOR):
        return name
    # Children of a service inherit the variable; the number is that of the one that systemd started.
    if os.environ.get("SYSTEMD_EXEC_PID") == str(os.getpid()):
        return "systemd"
    return "the container's runtime, if its restart policy says so" if is_container else None


def flower_problem() -> str | None:
    """Return why Flower would not start with the logins of this environment, None where it would."""
    try:
        logins(os.environ)
    except LoginRefused as refused:
        return str(refused)
    return None
