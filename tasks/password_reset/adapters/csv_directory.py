"""A directory in a CSV file, for help desks with exports and for the demo."""

from __future__ import annotations

import csv
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.password_reset.adapters.rows import REQUIRED, user_of
from tasks.password_reset.ports import Unreachable, Unusable

if TYPE_CHECKING:
    from tasks.password_reset.ports import User


class CsvDirectory:
    """
    Users from the CSV file *path*, found by the column `user` or `email` in any case.

    The first line names the columns (see `rows.COLUMNS`; in any order, others are ignored). UTF-8, with or
    without BOM. The file is read again when it has changed, whole: it should be replaced, not rewritten.

    Raises:
        ValueError: the file cannot be read, lacks a column, or has a user twice; nobody is named.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._lock = threading.Lock()
        self._seen = (0, 0)
        self._users: dict[str, User] = {}
        try:
            self._refresh()
        except OSError as error:
            raise ValueError(f"{self._path} cannot be read ({error.strerror})") from None

    def lookup(self, identifier: str, *, timeout: float) -> User | None:  # noqa: ARG002 - a file takes no time
        """
        Return the user; the file is as good as its last readable version.

        Raises:
            Unreachable: the file is gone, or was replaced by one that cannot be used.
        """
        try:
            self._refresh()
        except (OSError, ValueError):
            raise Unreachable from None
        return self._users.get(identifier.strip().casefold())

    def probe(self, *, timeout: float) -> str:  # noqa: ARG002 - a file takes no time
        """
        Read the file, if it has changed.

        Raises:
            Unusable: it cannot be used.
        """
        remedy = "write the file anew, beside it, and move it into its place"
        try:
            self._refresh()
        except OSError as error:
            raise Unusable(f"{self._path} cannot be read ({error.strerror})", remedy) from None
        except ValueError as wrong:
            raise Unusable(str(wrong), remedy) from None
        # They are filed by name and by address.
        return f"{len({user.reference for user in self._users.values()})} users"

    def _refresh(self) -> None:
        stat = self._path.stat()
        with self._lock:
            if (stat.st_mtime_ns, stat.st_ino) != self._seen:
                self._users = _read(self._path)
                self._seen = (stat.st_mtime_ns, stat.st_ino)


def _read(path: Path) -> dict[str, User]:
    found: dict[str, User] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        rows.fieldnames = [name.strip().lower() for name in rows.fieldnames or ()]
        missing = [column for column in REQUIRED if column not in rows.fieldnames]
        if missing:
            raise ValueError(f"{path} has no column {' and no column '.join(missing)}")
        for row in rows:
            user = user_of(row)
            for name in {user.reference.casefold(), (user.address or "").casefold()} - {""}:
                if name in found:
                    raise ValueError(f"{path}, line {rows.line_num}: this user or address stands there twice")
                found[name] = user
    return found
