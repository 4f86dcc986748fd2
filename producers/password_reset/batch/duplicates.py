"""Which rows of a long file say the same again, in memory that does not grow with it."""

from __future__ import annotations

import hashlib
import sqlite3
import tempfile
from typing import Final, Self

#: Kibibytes that the database may hold in memory; the rest is in a private file.
_CACHE: Final = 8 * 1024
_TABLE: Final = "CREATE TABLE seen (key BLOB PRIMARY KEY, line INTEGER) WITHOUT ROWID"
_DIGEST_BYTES: Final = 16


class Seen:
    """The keys of rows that were met, with the line of the first of each; gone when it is closed."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="postroom-")
        self._database = sqlite3.connect(f"{self._folder.name}/seen.sqlite", isolation_level=None)
        for pragma in ("journal_mode=OFF", "synchronous=OFF", f"cache_size=-{_CACHE}"):
            self._database.execute(f"PRAGMA {pragma}")
        self._database.execute(_TABLE)
        self._database.execute("BEGIN")

    def first_line(self, key: str, line: int) -> int:
        """Return the line at which *key* was met first: *line* itself where that is now."""
        digest = hashlib.blake2b(key.encode("utf-8", "surrogateescape"), digest_size=_DIGEST_BYTES).digest()
        added = self._database.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (digest, line))
        if added.rowcount:
            return line
        [(first,)] = self._database.execute("SELECT line FROM seen WHERE key = ?", (digest,))
        return int(first)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()
        self._folder.cleanup()
