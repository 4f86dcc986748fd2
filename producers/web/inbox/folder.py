"""The mail catcher's folder: a Maildir, or files that end in .eml. It is only read."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Bytes of a mail that are read, and those in which its headers are looked for where it is listed.
MOST: Final = 25 * 1024 * 1024
HEAD: Final = 64 * 1024

#: Files that are looked at: a folder that nobody empties must not make each look slower.
_MOST_FILES: Final = 20_000
_FOLDERS: Final = ("new", "cur")
_SUFFIX: Final = ".eml"
#: What a mail's file may be called in an address; anything else is not shown.
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.=,:+-]{0,254}")


class Gone(LookupError):
    """There is no such mail, or not any more."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A caught mail: the file that it is in, when that was written, and its size in bytes."""

    name: str
    path: Path
    caught_at: datetime
    size: int


class Folder:
    """
    The mails of a folder, which need not be there yet.

    Links, devices and whatever else is no plain file are passed over.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def entries(self) -> list[Entry]:
        """Return all mails, newest first."""
        found = [entry for entry in map(_entry, islice(self._files(), _MOST_FILES)) if entry]
        return sorted(found, key=lambda entry: (entry.caught_at, entry.name), reverse=True)

    def find(self, name: str) -> Entry:
        """
        Return the mail in the file *name*.

        Raises:
            Gone: there is none.
        """
        for file in self._files():
            if file.name == name and (entry := _entry(file)):
                return entry
        raise Gone(name)

    def read(self, entry: Entry, *, most: int = MOST) -> bytes:
        """
        Return the first *most* bytes of a mail.

        Raises:
            Gone: its file is no more, or cannot be read.
        """
        try:
            # What was a file a moment ago may be a pipe by now, which would never end.
            descriptor = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise Gone(entry.name)
                return file.read(most)
        except OSError as error:
            raise Gone(entry.name) from error

    def _files(self) -> Iterator[os.DirEntry[str]]:
        for folder in _FOLDERS:
            yield from _listed(self.path / folder)
        yield from (file for file in _listed(self.path) if file.name.endswith(_SUFFIX))


def _listed(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as files:
            yield from (file for file in files if _NAME.fullmatch(file.name))
    except OSError:
        return


def _entry(file: os.DirEntry[str]) -> Entry | None:
    try:
        if not file.is_file(follow_symlinks=False):
            return None
        found = file.stat(follow_symlinks=False)
    except OSError:
        return None
    caught_at = datetime.fromtimestamp(found.st_mtime, UTC)
    return Entry(file.name, Path(file.path), caught_at, found.st_size)
