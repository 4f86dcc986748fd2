"""
Who is signed in: a random token in the browser, everything else in Redis.

Redis has a digest of the token and the id of the API key, so that whoever reads it can neither continue a
session nor use the key.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from producers.rest import Rest
from producers.web.reaching import reaching
from producers.web.scripts import script
from tasks.journal.scripts import Call, run_script

if TYPE_CHECKING:
    from redis import Redis

    from producers.web.keys import Key

#: Seconds that a session outlives its last use, and its beginning.
IDLE: Final = 30 * 60
LONGEST: Final = 8 * 3600

_BEGIN: Final = script("begin_session")
_FIND: Final = script("find_session")
_SESSION: Final = "postroom:web:session:"
_TOKEN_BYTES: Final = 32
#: What a session's forms are signed for.
_PURPOSE: Final = b"postroom form"


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that has shown *key*."""

    key: Key
    token: str = field(repr=False)

    @property
    def form_token(self) -> str:
        """What this session's forms bring with them; nobody else can make it."""
        return hmac.new(self.token.encode("ascii"), _PURPOSE, hashlib.sha256).hexdigest()

    def has_made(self, form_token: str) -> bool:
        """Whether a form with *form_token* is this session's."""
        return hmac.compare_digest(self.form_token.encode(), form_token.encode("utf-8", "replace"))


class Sessions:
    """Begins, finds and ends sessions. Every method raises `QueueUnavailable` within seconds."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._rest = Rest()

    def begin(self, key_id: str) -> str:
        """Begin a session of this key, and return its token."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        with reaching(self._rest):
            call = Call((_name(token),), (key_id, IDLE * 1000, LONGEST * 1000))
            run_script(self._redis, _BEGIN, [call])
        return token

    def find(self, token: str, *, is_used: bool = True) -> str | None:
        """Return the id of the session's key; a look that is no use does not let the session live on."""
        with reaching(self._rest):
            call = Call((_name(token),), (IDLE * 1000, int(is_used)))
            [found] = run_script(self._redis, _FIND, [call])
        return found.decode() if found else None

    def end(self, token: str) -> None:
        """End the session at once."""
        with reaching(self._rest):
            self._redis.delete(_name(token))


def _name(token: str) -> str:
    return _SESSION + hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
