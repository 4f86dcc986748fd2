"""Queue entries that no worker can take for a message: set aside, looked at, put back or thrown away."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tasks.journal.quarantine_facts import Facts, facts_of
from tasks.journal.records import moment
from tasks.journal.scripts import Call, Script, run_script
from tasks.journal.sealing import Unsealable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from redis import Redis

    from tasks.journal.sealing import Seal

_PUT: Final = Script.named("quarantine")
_RELEASE: Final = Script.named("release")

_INDEX: Final = "postroom:quarantine"
_BYTES: Final = "postroom:quarantine.bytes"
_ENTRY: Final = "postroom:quarantine:"
_ID_LENGTH: Final = 16
_FIELDS: Final = ("first", "last", "times", "lane", "reason", "size", "facts")


@dataclass(frozen=True, slots=True)
class QuarantineLimits:
    """
    How much is kept, and for how many seconds; the oldest makes room for the newest.

    An entry of more than half of *total_bytes* is noted and not kept: it cannot be put back.
    """

    entries: int = 1000
    total_bytes: int = 32 * 1024 * 1024
    lifetime: float = 7 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Quarantined:
    """
    What is known of an entry that was set aside; nothing of what its mail says.

    *size* is in bytes, and *times* how often the same entry was met.
    """

    entry_id: str
    first_at: datetime
    last_at: datetime
    times: int
    lane: str
    reason: str
    size: int
    is_kept: bool
    facts: Facts = field(default_factory=Facts)


class Quarantine:
    """
    The entries that were set aside, known by a digest of what they are.

    With a seal they are sealed, since what is wrong with an entry need not be its mail. All methods raise
    `redis.RedisError` when Redis cannot be reached.
    """

    def __init__(
        self, redis: Redis, *, limits: QuarantineLimits | None = None, seal: Seal | None = None
    ) -> None:
        self._redis = redis
        self._limits = limits or QuarantineLimits()
        self._seal = seal

    def put(self, raw: bytes, *, lane: str, reason: str) -> tuple[str, int]:
        """
        Set the entry *raw* of the queue *lane* aside; return its id and how many made room for it.

        The same entry is kept once, however often it comes.
        """
        entry_id = hashlib.sha256(raw).hexdigest()[:_ID_LENGTH]
        limits = self._limits
        arguments = (
            entry_id,
            _ENTRY,
            round(limits.lifetime * 1000),
            limits.entries,
            limits.total_bytes,
            lane,
            reason,
            len(raw),
            facts_of(raw).to_json(),
            self._stored(raw),
        )
        [gone] = run_script(self._redis, _PUT, [Call(_keys(entry_id), arguments)])
        return entry_id, int(gone)

    def entries(self) -> list[Quarantined]:
        """Return all of them, the newest first."""
        members: Any = self._redis.zrevrange(_INDEX, 0, -1)
        ids = [member.decode().partition(":")[0] for member in members]
        return [entry for entry in self._read(ids) if entry]

    def get(self, entry_id: str) -> Quarantined | None:
        """Return what is known of one, None if it is not there (any more)."""
        return self._read([entry_id])[0]

    def raw(self, entry_id: str) -> bytes | None:
        """
        Return the entry as it stood in the queue, None where it was not kept.

        Raises:
            Unsealable: no key of the seal opens it.
        """
        stored = self._redis.hget(_ENTRY + entry_id, "raw")
        if not isinstance(stored, bytes) or not stored:
            return None
        is_sealed, content = stored[:1] == b"s", stored[1:]
        return self._open(content) if is_sealed else content

    def drop(self, entry_ids: Iterable[str]) -> int:
        """Throw entries away; return how many there were."""
        return sum(run_script(self._redis, _RELEASE, [Call(_keys(entry_id), ()) for entry_id in entry_ids]))

    def _stored(self, raw: bytes) -> bytes:
        if len(raw) > self._limits.total_bytes // 2:
            return b""
        return b"s" + self._seal.seal_bytes(raw) if self._seal else b"p" + raw

    def _open(self, content: bytes) -> bytes:
        if self._seal is None:
            raise Unsealable
        return self._seal.open_bytes(content)

    def _read(self, ids: list[str]) -> list[Quarantined | None]:
        pipeline = self._redis.pipeline(transaction=False)
        for entry_id in ids:
            pipeline.hmget(_ENTRY + entry_id, _FIELDS)
            pipeline.hstrlen(_ENTRY + entry_id, "raw")
        answers = pipeline.execute()
        return [
            _quarantined(entry_id, dict(zip(_FIELDS, found, strict=True)), kept)
            for entry_id, found, kept in zip(ids, answers[::2], answers[1::2], strict=True)
        ]


def _keys(entry_id: str) -> tuple[str, ...]:
    return _INDEX, _BYTES, _ENTRY + entry_id


def _quarantined(entry_id: str, found: Mapping[str, bytes | None], kept: int) -> Quarantined | None:
    text = {name: value.decode() for name, value in found.items() if value is not None}
    if len(text) < len(_FIELDS):
        return None
    return Quarantined(
        entry_id=entry_id,
        first_at=moment(int(text["first"])),
        last_at=moment(int(text["last"])),
        times=int(text["times"]),
        lane=text["lane"],
        reason=text["reason"],
        size=int(text["size"]),
        is_kept=kept > 0,
        facts=Facts.from_json(text["facts"]),
    )
