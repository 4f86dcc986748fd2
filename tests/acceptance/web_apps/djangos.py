"""The Djangos that the copied file is tried in: the checkout's own, and newer ones with a newer Python."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import django

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[3]
#: Those with a lock of their own in requirements/.
LOCKED: Final = sorted(
    (file.stem.removeprefix("django-") for file in ROOT.glob("requirements/django-*.txt")),
    key=lambda version: tuple(map(int, version.split("."))),
)
#: The oldest Python that Django 6 takes.
_OLDEST: Final = (3, 12)
_KEPT: Final = ROOT / ".djangos"


@dataclass(frozen=True)
class Runtime:
    """A Python, and the folder of what a web application has installed for it."""

    python: str
    libraries: str


class NoPython(Exception):
    """There is no Python here that is new enough."""


def own() -> tuple[str, Runtime]:
    """Return the Django of this checkout, with its version."""
    version = ".".join(map(str, django.VERSION[:2]))
    return version, Runtime(sys.executable, sysconfig.get_path("purelib"))


def locked(version: str) -> Runtime:
    """
    Return the Django of requirements/django-*version*.txt, installed if it is not yet.

    Raises:
        NoPython: that Django needs a newer Python than there is.
    """
    python = _newer_python()
    lock = ROOT / "requirements" / f"django-{version}.txt"
    digest = hashlib.sha256(lock.read_bytes() + os.fsencode(os.path.realpath(python))).hexdigest()
    libraries = _KEPT / f"{version}-{digest[:12]}"
    if not libraries.is_dir():
        _install(python, lock, libraries)
    return Runtime(python, str(libraries))


def _install(python: str, lock: Path, libraries: Path) -> None:
    """Fill *libraries*, which is there when it is whole: several may try at a time."""
    _KEPT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_KEPT) as scratch:
        options = [
            "--disable-pip-version-check",
            "--quiet",
            "--require-hashes",
            "--no-compile",
            "--root-user-action",
            "ignore",
        ]
        filled = Path(scratch) / "libraries"
        done = subprocess.run(  # noqa: S603 (our own line)
            [*_pip(python), "install", *options, "--target", str(filled), "--requirement", str(lock)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        if not libraries.is_dir():
            filled.rename(libraries)


def _pip(python: str) -> list[str]:
    """Return the pip of *python*, or this checkout's where it has none: that one may be too old for it."""
    own = [python, "-m", "pip"]
    has_one = subprocess.run([*own, "--version"], capture_output=True, check=False).returncode == 0  # noqa: S603 (our own line)
    return own if has_one else [sys.executable, "-m", "pip", "--python", python]


def _newer_python() -> str:
    """Return the first of the candidates that runs and is new enough: a name in PATH need not (pyenv's)."""
    for candidate in _candidates():
        line = [candidate, "-S", "-c", f"import sqlite3, sys; sys.exit(sys.version_info < {_OLDEST})"]
        if not subprocess.run(line, capture_output=True, check=False).returncode:  # noqa: S603 (our own line)
            return candidate
    raise NoPython(f"Django 6 needs Python {'.'.join(map(str, _OLDEST))} or newer; none was found")


def _candidates() -> Iterator[str]:
    yield sys.executable
    for minor in (14, 13, 12):
        if found := shutil.which(f"python3.{minor}"):
            yield found
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(map(str, pyenv.glob("versions/3.*/bin/python")), reverse=True)
