"""Where logbooks lie: a file for each worker process, locked as long as the process lives."""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_SUFFIX: Final = ".logbook"
_NEW: Final = ".new"
#: Seconds after which what was never finished, or belongs to a journal that nobody uses any more, is removed.
_FORGOTTEN: Final = 7 * 24 * 3600.0


class Unusable(Exception):
    """Logbooks cannot be kept here; the text says why."""


def default_folder() -> Path:
    """Return the folder for this user's logbooks: in memory where the machine has such a place."""
    shared = Path("/dev/shm")  # noqa: S108 (its owner and mode are examined before it is used)
    parent = shared if os.access(shared, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())
    return parent / f"postroom-{os.getuid()}"


@dataclass(frozen=True, slots=True)
class Book:
    """An open logbook: its file descriptor, which holds the lock, and where it lies."""

    descriptor: int
    path: Path

    def is_in_place(self) -> bool:
        """Whether the file is still the one that lies there."""
        try:
            there = self.path.stat()
        except OSError:
            return False
        here = os.fstat(self.descriptor)
        return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)


class Shelf:
    """
    The logbooks of one machine and one *journal*, named by its URL, in a *folder* that is this user's alone.

    A file is good as long as the machine runs: what was written lies in the kernel's memory, and a machine
    that loses power may have kept the beginning of it and lost the end. So each begins with the id of the
    machine's start, and one of an earlier start tells nothing.
    """

    def __init__(self, folder: Path, journal: str) -> None:
        self._folder = folder
        self._name = _name_of(journal)

    def open(self) -> None:
        """
        Make the folder, and see whether it can be relied on.

        Raises:
            Unusable: it cannot.
        """
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Unusable(f"{self._folder} cannot be made ({error.strerror})") from None
        self.examine()

    def examine(self) -> None:
        """
        See whether the folder can be relied on.

        Raises:
            Unusable: it cannot.
        """
        try:
            found = self._folder.lstat()
        except OSError as error:
            raise Unusable(f"{self._folder} cannot be looked at ({error.strerror})") from None
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise Unusable(f"{self._folder} is no folder of this user's own")
        if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise Unusable(f"others may write into {self._folder}, so it is not to be believed")
        if not self.header:
            raise Unusable(f"the machine does not say when it was started ({_BOOT})")

    @property
    def header(self) -> bytes:
        """The first line of a logbook of this start of the machine; empty where the machine does not tell."""
        try:
            return b"postroom logbook 1 " + _BOOT.read_bytes().strip() + b"\n"
        except OSError:
            return b""

    def start(self, lines: bytes = b"", *, instead_of: Path | None = None) -> Book:
        """
        Begin a logbook with *lines*, in the place of an earlier one where there is one.

        It is locked and written before it has its name, so that nobody finds it half done.
        Raises `OSError`.
        """
        descriptor, name = tempfile.mkstemp(dir=self._folder, prefix=".", suffix=_NEW)
        new = Path(name)
        path = instead_of or self._folder / f"{self._name}-{os.getpid()}-{time.monotonic_ns()}{_SUFFIX}"
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            text = self.header + lines
            if os.write(descriptor, text) < len(text):
                raise OSError(f"{new} could not be written to its end")  # noqa: TRY301 (one way out of here)
            new.rename(path)
        except BaseException:
            os.close(descriptor)
            with suppress(OSError):
                new.unlink()
            raise
        return Book(descriptor, path)

    def left(self) -> Iterator[Book]:
        """
        Yield the logbooks whose processes are dead, oldest first, each locked while it is looked at.

        Raises `OSError` where the folder cannot be read.
        """
        for path in sorted(self._folder.glob(f"{self._name}-*{_SUFFIX}")):
            if book := _locked(path):
                try:
                    if book.is_in_place():
                        yield book
                finally:
                    os.close(book.descriptor)

    def tidy(self) -> None:
        """Remove what lies here from long ago, whosever it was. Raises `OSError`."""
        for path in self._folder.glob("*"):
            with suppress(FileNotFoundError):
                is_old = time.time() - path.stat().st_mtime > _FORGOTTEN
                if is_old and path.suffix in {_SUFFIX, _NEW} and (book := _locked(path)):
                    path.unlink()
                    os.close(book.descriptor)


def _name_of(journal: str) -> str:
    """Return a name for the journal at this URL, without anything that is secret in it."""
    url = urlsplit(journal)
    place = f"{url.scheme}://{url.netloc.rpartition('@')[2]}{url.path}"
    return hashlib.sha256(place.encode()).hexdigest()[:16]


def _locked(path: Path) -> Book | None:
    """Return the logbook at *path*, or None where its process lives or it is gone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return Book(descriptor, path)
