"""Python, libraries, user and supervisor."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from worker.doctor.findings import Status
from worker.doctor.machine import LIBRARIES, library, python, restart, user

ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize(
    ("release", "status"),
    [
        ((3, 11, 14), Status.WARNING),
        ((3, 11, 15), Status.OK),
        ((3, 12, 12), Status.WARNING),
        ((3, 13, 12), Status.OK),
        ((3, 14, 2), Status.WARNING),
        ((3, 15, 0), Status.OK),
    ],
)
def test_a_python_without_the_fixes_is_a_warning(release: tuple[int, int, int], status: Status) -> None:
    assert python(release).status is status


def test_the_release_to_install_is_named() -> None:
    assert python((3, 12, 4)).remedy == "install Python 3.12.13 or newer"


@pytest.mark.parametrize(
    ("name", "version", "status"),
    [
        ("celery", "5.7.0", Status.OK),
        ("celery", "5.6.9", Status.WARNING),
        ("celery", "5.8.0rc1", Status.WARNING),
        ("redis", "9.0.0", Status.WARNING),
        ("redis", "8.10.1", Status.OK),
    ],
)
def test_untested_libraries_are_a_warning(name: str, version: str, status: Status) -> None:
    assert library(name, version).status is status


def test_the_versions_are_those_that_the_project_asks_for() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    wanted = " ".join(tomllib.loads(text)["project"]["dependencies"])

    assert f"celery[redis]>={'.'.join(map(str, LIBRARIES['celery'][0]))}" in wanted
    assert f"redis[hiredis]>={'.'.join(map(str, LIBRARIES['redis'][0]))}" in wanted


def test_root_is_refused() -> None:
    assert user(0).status is Status.ERROR
    assert user(10001).status is Status.OK


def test_a_worker_that_nothing_starts_again_is_a_warning() -> None:
    assert restart(None).status is Status.WARNING
    assert restart("systemd").found == "started by systemd"
