"""The file of a batch: opened, or taken from standard input, and known by what it holds."""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

_STDIN: Final = "-"
_DIGITS: Final = 12
_BLOCK: Final = 1024 * 1024


@contextmanager
def opened(users: str) -> Iterator[IO[bytes]]:
    """
    Lend the file, which can be read more than once; standard input goes through a private temporary file.

    Raises:
        typer.BadParameter: it cannot be read.
    """
    if users == _STDIN:
        with tempfile.TemporaryFile(prefix="postroom-") as spool:
            shutil.copyfileobj(sys.stdin.buffer, spool)
            spool.seek(0)
            yield spool
        return
    try:
        file = Path(users).open("rb")  # noqa: SIM115 - closed below, and its errors are not the block's
    except OSError as error:
        raise typer.BadParameter(f"{users} cannot be read ({error.strerror})", param_hint="USERS") from None
    with file:
        yield file


def job_id_of(users: str, name: str | None, file: IO[bytes]) -> str:
    """Return the name of the job and what its file holds: the same file is the same job."""
    digest = hashlib.sha256()
    file.seek(0)
    while block := file.read(_BLOCK):
        digest.update(block)
    file.seek(0)
    chosen = name or ("stdin" if users == _STDIN else Path(users).stem)
    return f"{re.sub(r'[^A-Za-z0-9._-]+', '-', chosen)[:60]}-{digest.hexdigest()[:_DIGITS]}"
