"""Reads a file that must lie below a folder, whatever somebody does to the folder meanwhile."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_COMMON: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_BLOCK: Final = 1024 * 1024


class Unreadable(Exception):
    """A file that may not or cannot be read; the text ends a sentence that begins with its name."""


class Missing(Unreadable):
    """There is no such file below this folder; there may be one below another."""


@contextmanager
def opened(root: Path, components: Sequence[str]) -> Iterator[int]:
    """
    Open the regular file *components* below *root* and yield its descriptor.

    Each component is opened by itself, below the one before, and no link is followed; so nobody can lead
    the way out by changing a folder between a check and its use. A FIFO or a device is never waited for.

    Raises `Unreadable`.
    """
    with ExitStack() as stack:
        # The root itself is the operator's choice and may be a link.
        folder = _open(stack, str(root), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for component in components[:-1]:
            folder = _open(stack, component, _COMMON | os.O_DIRECTORY, folder)
        file = _open(stack, components[-1], _COMMON | os.O_NOCTTY, folder)
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise Unreadable("is not a regular file")
        yield file


def read(file: int, size: int) -> bytes:
    """
    Return the *size* bytes that the open *file* has; raise `Unreadable` where it changes meanwhile.

    The size is what `fstat` said when the file was weighed, so that no more is ever held in memory.
    """
    before = os.fstat(file)
    data = bytearray()
    # One byte more than there should be: a file that has it has grown.
    while len(data) <= size and (block := os.read(file, min(_BLOCK, size + 1 - len(data)))):
        data += block
    after = os.fstat(file)
    if len(data) != size or (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise Unreadable("changed while it was read")
    return bytes(data)


def _open(stack: ExitStack, name: str, flags: int, folder: int | None = None) -> int:
    try:
        descriptor = os.open(name, flags, dir_fd=folder)
    except OSError as error:
        raise _unreadable(error, name, folder) from error
    stack.callback(os.close, descriptor)
    return descriptor


def _unreadable(error: OSError, name: str, folder: int | None) -> Unreadable:
    if error.errno == errno.ENOENT:
        return Missing("was not found")
    if error.errno in {errno.ELOOP, errno.ENOTDIR} and _is_link(name, folder):
        return Unreadable("is or lies behind a link, and links are not followed")
    if error.errno == errno.ENOTDIR:
        return Missing("was not found")
    if error.errno == errno.ENXIO:
        return Unreadable("is not a regular file")
    return Unreadable("cannot be read")


def _is_link(name: str, folder: int | None) -> bool:
    try:
        return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except OSError:
        return False
