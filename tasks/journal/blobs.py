"""Attachment bytes that a producer on another machine stores once; messages carry only their reference."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from tasks.journal.sealing import Unsealable

if TYPE_CHECKING:
    from redis import Redis

    from tasks.journal.sealing import Seal

_BLOB: Final = "postroom:blob:"
_KIND: Final = "blob"
#: Seconds for which bytes are kept.
LIFETIME: Final = 7 * 24 * 3600


class BlobStore:
    """
    Bytes known by their SHA-256 digest, kept for a week from their last storing.

    With a seal they are sealed, and stand under a keyed hash of the digest: a bare digest would tell whoever
    has a file whether it was sent. Both methods raise `redis.RedisError` when Redis cannot be reached.
    """

    def __init__(self, redis: Redis, *, seal: Seal | None = None) -> None:
        self._redis = redis
        self._seal = seal

    def put(self, content: bytes) -> str:
        """Store *content* and return its digest in hexadecimal."""
        digest = hashlib.sha256(content).hexdigest()
        name, stored = digest, content
        if self._seal:
            name, stored = self._seal.names(_KIND, digest.encode())[0], self._seal.seal_bytes(content)
        self._redis.set(_BLOB + name, stored, ex=LIFETIME)
        return digest

    def get(self, digest: str) -> bytes | None:
        """
        Return the bytes stored under *digest*, or None when they are not there (any more).

        Bytes that were stored plain are found beside sealed ones: the digest, which is part of the sealed
        parameters, proves that they are the right ones.
        """
        for name in self._seal.names(_KIND, digest.encode()) if self._seal else ():
            content = self._read(name)
            if self._seal and content is not None:
                with suppress(Unsealable):
                    return self._seal.open_bytes(content)
        return self._read(digest)

    def _read(self, name: str) -> bytes | None:
        content = self._redis.get(_BLOB + name)
        return content if isinstance(content, bytes) else None
