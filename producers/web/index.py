"""
Which mails a key has handed in: the newest first, or those of a reference.

The lists live beside the journal and end with it: an entry is made just before its mail is accepted, so that
no accepted mail lacks one, and is dropped some time after the mail's record is gone.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from producers.web.scripts import script
from tasks.journal.keys import MAIL
from tasks.journal.scripts import Call, run_script

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from redis import Redis

    from tasks.journal.sealing import Seal

    _Scored = Sequence[tuple[bytes, float]]

_REMEMBER: Final = script("remember")
_MAILS: Final = "postroom:web:mails:"
_REFERENCES: Final = "postroom:web:references:"
_DAY: Final = 24 * 3600
#: Seconds that the lists of a key outlive its last mail; beyond its due time, where it has one.
_LIFETIME: Final = 30 * _DAY
#: Microseconds in which an entry is never dropped: its mail may be about to be accepted.
_UNTOUCHED: Final = 600 * 1_000_000
_NAME_LENGTH: Final = 32


class Mention(NamedTuple):
    """A mail that is about to be handed in, with the caller's reference."""

    mail_id: str
    reference: str | None = None


class Place(NamedTuple):
    """Where a mail stands in the list: its moment in microseconds since 1970, which no other has."""

    moment: int
    mail_id: str


class Index:
    """
    The lists of all keys.

    With a *seal* references stand there as keyed hashes, else as bare ones. All methods raise
    `redis.RedisError` when Redis cannot be reached.
    """

    def __init__(self, redis: Redis, *, seal: Seal | None = None) -> None:
        self._redis = redis
        self._seal = seal

    def remember(self, mentions: Mapping[str, Sequence[Mention]], *, delay: float = 0.0) -> None:
        """Note the mails of each key id; *delay* is the longest time in seconds until one is due."""
        calls = [self._call(key_id, mentions[key_id], delay) for key_id in mentions]
        run_script(self._redis, _REMEMBER, calls)

    def forget(self, key_id: str, mail_ids: Sequence[str]) -> None:
        """Drop mails that were not accepted after all."""
        self._redis.zrem(_MAILS + key_id, *mail_ids)

    def own(self, pairs: Sequence[tuple[str, str]]) -> list[bool]:
        """Return for each pair of key id and mail id whether the mail is that key's."""
        pipeline = self._redis.pipeline(transaction=False)
        for key_id, mail_id in pairs:
            pipeline.zscore(_MAILS + key_id, mail_id)
        return [score is not None for score in pipeline.execute()]

    def page(self, key_id: str, *, reference: str | None, before: int | None, size: int) -> list[Place]:
        """Return at most *size* mails from newest to oldest: those *before* a moment, of a *reference*."""
        if reference is None:
            highest = "+inf" if before is None else f"({before}"
            found = self._redis.zrevrangebyscore(
                _MAILS + key_id, highest, "-inf", start=0, num=size, withscores=True
            )
            return [Place(int(score), mail_id.decode()) for mail_id, score in cast("_Scored", found)]
        return self._of_reference(key_id, reference, before, size)

    def _of_reference(self, key_id: str, reference: str, before: int | None, size: int) -> list[Place]:
        name = self._names(reference)[0]
        # ';' follows ':' and '9' in ASCII, so that it stands behind all moments.
        highest = f"({name}:;" if before is None else f"({name}:{before:016d}:"
        found = self._redis.zrevrangebylex(_REFERENCES + key_id, highest, f"[{name}:", start=0, num=size)
        parts = [entry.decode().split(":", 2) for entry in cast("Sequence[bytes]", found)]
        return [Place(int(moment), mail_id) for _, moment, mail_id in parts]

    def lists(self, key_id: str, *, delay: float) -> tuple[tuple[str, str], tuple[int, int, str]]:
        """Return the names of a key's lists, and the numbers with which `remember.lua` begins."""
        return (_MAILS + key_id, _REFERENCES + key_id), (round(_LIFETIME + delay), _UNTOUCHED, MAIL)

    def named(self, mentions: Sequence[Mention]) -> list[str]:
        """Return what stands in the lists for each mail: its id and the name of its reference, if any."""
        pairs = [(m.mail_id, self._names(m.reference)[0] if m.reference else "") for m in mentions]
        return [part for pair in pairs for part in pair]

    def _call(self, key_id: str, mentions: Sequence[Mention], delay: float) -> Call:
        keys, numbers = self.lists(key_id, delay=delay)
        return Call(keys, (*numbers, *self.named(mentions)))

    def _names(self, reference: str) -> list[str]:
        text = reference.encode("utf-8", "surrogatepass")
        names = self._seal.names("reference", text) if self._seal else (hashlib.sha256(text).hexdigest(),)
        return [name[:_NAME_LENGTH] for name in names]
