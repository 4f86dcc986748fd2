"""Attachment bytes that a producer on another machine stores once; messages carry only their reference."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from redis import Redis

_BLOB: Final = "postroom:blob:"
_LIFETIME: Final = 7 * 24 * 3600


class BlobStore:
    """
    Bytes under their SHA-256 digest, kept for a week from their last storing.

    Both methods raise `redis.RedisError` when Redis cannot be reached.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def put(self, content: bytes) -> str:
        """Store *content* and return its digest in hexadecimal."""
        digest = hashlib.sha256(content).hexdigest()
        self._redis.set(_BLOB + digest, content, ex=_LIFETIME)
        return digest

    def get(self, digest: str) -> bytes | None:
        """Return the bytes stored under *digest*, or None when they are not there (any more)."""
        content = self._redis.get(_BLOB + digest)
        return content if isinstance(content, bytes) else None
