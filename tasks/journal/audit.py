"""
Who asked for which password reset, for whom, and what came of it.

A record holds no link, no token and no address of ours; what the actor typed (whom, why) is sealed where
there is a key, and found by keyed hashes.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from tasks.contract.result import SendEmailResult
from tasks.journal.keys import MAIL
from tasks.journal.sealing import Unsealable
from tasks.journal.untold import Untold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redis import Redis
    from redis.client import Pipeline

    from tasks.journal.sealing import Seal

_RECORD: Final = "postroom:audit:"
_INDEX: Final = "postroom:audited:"
_ALL: Final = "all"
#: What records can be found by.
FIELDS: Final = ("actor", "target", "ticket")
#: Seconds that a record is kept: ninety days.
RETENTION: Final = 90 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Asked:
    """One request for a reset: by whom (None for a public one), for whom, and why."""

    mail_id: str
    workflow: str
    target: str = field(repr=False)
    actor: str | None = field(default=None, repr=False)
    reason: str | None = field(default=None, repr=False)
    ticket: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Audited:
    """A record: what was asked, when, and how it ended; the last three are None while it is under way."""

    asked: Asked
    at: datetime
    code: int | None = None
    message: str | None = None
    message_id: str | None = None


class Audit:
    """
    The records, newest first, for *retention* seconds.

    Every method raises `redis.RedisError` when Redis cannot be reached.
    """

    def __init__(self, redis: Redis, *, seal: Seal | None = None, retention: float = RETENTION) -> None:
        self._redis = redis
        self._seal = seal
        self._retention = retention

    def note(self, *run: Asked) -> None:
        """Write requests down; one that is written down already stays as it is."""
        now = datetime.now(UTC).timestamp()
        pipeline = self._redis.pipeline(transaction=False)
        for asked in run:
            self._note(pipeline, asked, now)
        pipeline.execute()

    def _note(self, pipeline: Pipeline, asked: Asked, now: float) -> None:
        text = json.dumps(asdict(asked), separators=(",", ":")).encode()
        content = self._seal.seal_bytes(text) if self._seal else text
        record = _RECORD + asked.mail_id
        pipeline.hsetnx(record, "asked", content)
        pipeline.hsetnx(record, "at", str(now))
        pipeline.expire(record, round(self._retention), nx=True)
        for index in self._indices(asked):
            pipeline.zadd(index, {asked.mail_id: now}, nx=True)
            pipeline.zremrangebyscore(index, 0, now - self._retention)
            pipeline.expire(index, round(self._retention))

    def strike(self, mail_id: str) -> None:
        """Take back what was written down about a request that turned out to be an earlier one again."""
        self._redis.delete(_RECORD + mail_id)

    def conclude(self, mail_id: str, result: SendEmailResult) -> None:
        """Write down how the reset *mail_id* ended, if there is a record of it."""
        if not self._redis.exists(_RECORD + mail_id):
            return
        outcome = {"code": result.code, "message": result.message, "message_id": result.message_id}
        self._redis.hset(_RECORD + mail_id, "outcome", json.dumps(outcome))
        if not result.success:
            Untold(self._redis).add(mail_id)

    def get(self, mail_id: str) -> Audited | None:
        """Return the record of one reset; None where there is none, or none that can be opened."""
        stored: Any = self._redis.hgetall(_RECORD + mail_id)
        return self._read(stored, None)

    def find(
        self,
        *,
        actor: str | None = None,
        target: str | None = None,
        ticket: str | None = None,
        most: int = 100,
    ) -> list[Audited]:
        """Return the newest records, at most *most*, in which all that is given is as given."""
        wanted = {"actor": actor, "target": target, "ticket": ticket}
        given = {name: value for name, value in wanted.items() if value is not None}
        index = next((self._index(name, value) for name, value in given.items()), _INDEX + _ALL)
        found: list[Audited] = []
        for record in self._newest(index):
            if all(getattr(record.asked, name) == value for name, value in given.items()):
                found.append(record)
            if len(found) == most:
                break
        return found

    def _newest(self, index: str, step: int = 200) -> Iterator[Audited]:
        start = 0
        while names := self._redis.zrange(index, start, start + step - 1, desc=True):
            mail_ids = [name.decode() for name in names if isinstance(name, bytes)]
            pipeline = self._redis.pipeline(transaction=False)
            for mail_id in mail_ids:
                pipeline.hgetall(_RECORD + mail_id)
                pipeline.hget(MAIL + mail_id, "result")
            answers = iter(pipeline.execute())
            for stored, result in zip(answers, answers, strict=True):
                record = self._read(stored, result)
                if record:
                    yield record
            start += step

    def _read(self, stored: dict[bytes, bytes], result: bytes | None) -> Audited | None:
        if b"asked" not in stored:
            return None
        try:
            asked = Asked(**json.loads(self._opened(stored[b"asked"])))
        except Unsealable:
            return None
        at = datetime.fromtimestamp(float(stored[b"at"]), UTC)
        return Audited(asked, at, **_outcome(stored.get(b"outcome"), result))

    def _opened(self, content: bytes) -> bytes:
        if self._seal is None or content.startswith(b"{"):
            return content
        return self._seal.open_bytes(content)

    def _indices(self, asked: Asked) -> list[str]:
        given = ((name, getattr(asked, name)) for name in FIELDS)
        return [_INDEX + _ALL, *(self._index(name, value) for name, value in given if value is not None)]

    def _index(self, name: str, value: str) -> str:
        text = value.encode()
        hashed = self._seal.names(name, text)[0] if self._seal else hashlib.sha256(text).hexdigest()
        return f"{_INDEX}{name}:{hashed}"


def _outcome(noted: bytes | None, result: bytes | None) -> dict[str, Any]:
    """Return how it ended: as noted, else as the journal has it, which is the first to know."""
    if noted:
        found: dict[str, Any] = json.loads(noted)
        return found
    if not result:
        return {}
    ended = SendEmailResult.model_validate_json(result)
    return {"code": ended.code, "message": ended.message, "message_id": ended.message_id}
