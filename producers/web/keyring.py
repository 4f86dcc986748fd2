"""Which key a request comes with, by the file as it is now."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from producers.web.keyfile import UnusableKeyFile
from producers.web.keys import digest_of, read_token

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from producers.web.keyfile import KeyFile
    from producers.web.keys import Key

logger = logging.getLogger(__name__)

#: Seconds after which a change of the file is known, such as a revocation.
_LOOK_AGAIN: Final = 1.0


class Keyring:
    """
    The keys of *file*, which is read again when it has changed.

    A file that has become unusable is logged, and leaves the keys as they were.

    Raises:
        UnusableKeyFile: the file cannot be used from the beginning.
    """

    def __init__(self, file: KeyFile, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = file
        self._clock = clock
        self._looked = clock()
        self._seen = self._mark()
        self._keys: Mapping[str, Key] = {key.id: key for key in file.read()}

    def __len__(self) -> int:
        return len(self.valid())

    def valid(self) -> list[Key]:
        """Return the keys that are not revoked, as they were last read."""
        return [key for key in self._keys.values() if key.revoked_at is None]

    def find(self, text: str) -> Key | None:
        """Return the valid key that *text* is, or None."""
        token = read_token(text)
        # A key that was made a moment ago is known at once.
        self._look(now=token is not None and token.key_id not in self._keys)
        key = self._keys.get(token.key_id) if token else None
        if token is None or key is None:
            digest_of("as long as it takes for a key that exists")
            return None
        return key if key.matches(token.secret) else None

    def still_valid(self, key_id: str) -> Key | None:
        """Return the key of this id for somebody who has shown it before; None once it is revoked."""
        self._look(now=False)
        key = self._keys.get(key_id)
        return key if key and key.revoked_at is None else None

    def get(self, key_id: str) -> Key | None:
        """Return the key of this id, revoked or not, or None."""
        self._look(now=key_id not in self._keys)
        return self._keys.get(key_id)

    def _look(self, *, now: bool) -> None:
        moment = self._clock()
        if not now and moment - self._looked < _LOOK_AGAIN:
            return
        self._looked = moment
        mark = self._mark()
        if mark != self._seen:
            self._seen = mark
            self._read()

    def _read(self) -> None:
        try:
            self._keys = {key.id: key for key in self._file.read()}
        except UnusableKeyFile as error:
            logger.error("key file unusable", extra={"error": str(error)})  # noqa: TRY400 (no news in the traceback)
        else:
            logger.info("key file read", extra={"keys": len(self)})

    def _mark(self) -> tuple[int, int, int] | None:
        try:
            found = self._file.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
