"""The gateway in this process, over a real journal in a Redis that is no server, and without a broker."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import fakeredis
import httpx
import pytest

from producers.errors import QueueUnavailable
from producers.hooks.ledger import Ledger
from producers.web.admission import Admission
from producers.web.app import create_app
from producers.web.desk import Desk
from producers.web.errands import Errands
from producers.web.gateway import Gateway
from producers.web.hook_errands import HookErrands
from producers.web.index import Index
from producers.web.keyfile import KeyFile
from producers.web.keyring import Keyring
from producers.web.keys import ResetRight
from producers.web.metrics import Metrics
from producers.web.rates import Rates
from producers.web.reset_errands import ResetErrands
from producers.web.settings import WebSettings
from tasks.contract.password_reset import parse_password_reset
from tasks.journal.blobs import BlobStore
from tasks.journal.control import Control, Resend
from tasks.journal.entries import Entry
from tasks.journal.journal import Journal
from tasks.journal.records import Acceptance, Accepted, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from redis import Redis
    from starlette.types import ASGIApp

    from tasks.contract.names import Lane
    from tasks.contract.parameters import SendEmail
    from tasks.journal.audit import Audited


@dataclass
class FakeOutbox:
    """An outbox over *redis* that notes what it would have published; away when *is_away*."""

    redis: Redis
    published: list[tuple[Lane, SendEmail]] = field(default_factory=list)
    runs: list[int] = field(default_factory=list)
    is_away: bool = False

    def hand_in(
        self,
        requests: Sequence[SendEmail],
        *,
        lane: Lane,
        send_at: datetime | None = None,
        mail_ids: Sequence[str],
        notify: Sequence[str],
    ) -> list[Accepted]:
        self._fail_if_away()
        self.runs.append(len(requests))
        delay = 60.0 if send_at else 0.0
        entries = [
            replace(Entry.of(mail_id, lane, request, delay=delay), notify=who)
            for mail_id, request, who in zip(mail_ids, requests, notify, strict=True)
        ]
        accepted = Journal(self.redis).accept(entries)
        answers = zip(accepted, requests, strict=True)
        self.published += [(lane, r) for a, r in answers if a.outcome is Acceptance.ACCEPTED]
        return accepted

    def look_up(self, mail_ids: Sequence[str]) -> list[Record | None]:
        self._fail_if_away()
        return Journal(self.redis).look_up(mail_ids)

    def cancel(self, mail_id: str) -> None:
        Control(self.redis).cancel(mail_id)

    def resend(self, mail_id: str, request: SendEmail, *, force: bool) -> Resend:
        entry = Entry.of(mail_id, "default", request)
        return Control(self.redis).resend(entry, recipients=len(request.recipients), force=force)[0]

    def store(self, content: bytes) -> str:
        return BlobStore(self.redis).put(content)

    def _fail_if_away(self) -> None:
        if self.is_away:
            raise QueueUnavailable("the queue cannot be reached")


@pytest.fixture
def redis() -> Iterator[Redis]:
    """An empty Redis."""
    with fakeredis.FakeRedis() as client:
        yield client


@pytest.fixture
def outbox(redis: Redis) -> FakeOutbox:
    return FakeOutbox(redis)


@dataclass
class FakeResets:
    """Asks for resets in a journal of *redis*, which says nothing of users; fails with *failure*."""

    redis: Redis
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    failure: Exception | None = None
    records: list[Audited] = field(default_factory=list)

    def for_user(self, user: str, **asked: Any) -> str:
        self.asked.append((user, asked))
        notify = asked.pop("notify")
        return self._accept({"workflow": "specified", "user": user, **asked}, notify)

    def for_requester(self, identifier: str, **asked: Any) -> str:
        self.asked.append((identifier, asked))
        return self._accept({"workflow": "requester", "user": identifier, **asked, "source": None})

    def completed(self, user: str, **asked: Any) -> str:
        self.asked.append((user, asked))
        notify = asked.pop("notify")
        return self._accept({"workflow": "completed", "user": user, **asked}, notify)

    def audit(self, **query: Any) -> list[Audited]:
        if self.failure:
            raise self.failure
        self.asked.append(("audit", query))
        return self.records

    def close(self) -> None:
        """Close nothing."""

    def _accept(self, asked: dict[str, Any], notify: str = "") -> str:
        if self.failure:
            raise self.failure
        mail_id = str(uuid.uuid4())
        entry = replace(Entry.of(mail_id, "reset", parse_password_reset(asked)), notify=notify)
        Journal(self.redis).accept([entry])
        return mail_id


@pytest.fixture
def resets(redis: Redis) -> FakeResets:
    return FakeResets(redis)


@pytest.fixture
def key_file(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "keys.json")


@pytest.fixture
def settings() -> dict[str, Any]:
    """Settings that differ from the defaults; tests change them before they ask for a gateway."""
    return {}


@pytest.fixture
def gateway(
    outbox: FakeOutbox, resets: FakeResets, redis: Redis, key_file: KeyFile, settings: dict[str, Any]
) -> Gateway:
    index, rates = Index(redis), Rates(redis)
    return Gateway(
        WebSettings(_env_file=None, **settings),
        keyring=Keyring(key_file, clock=lambda: 0.0),
        desk=Desk(
            outbox,  # type: ignore[arg-type]  # a double
            index=index,
            rates=rates,
            admission=Admission(redis, index=index),
        ),
        errands=Errands(outbox, redis, index=index, rates=rates),  # type: ignore[arg-type]  # as above
        resets=ResetErrands(resets, index=index, rates=rates),  # type: ignore[arg-type]  # as above
        hooks=HookErrands(Ledger(redis), rates=rates),
        metrics=Metrics(Ledger(redis)),
    )


@dataclass
class Caller:
    """Sends requests to *app*, with *key* unless told otherwise."""

    app: ASGIApp
    runner: asyncio.Runner
    key: str = ""

    def __call__(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self.runner.run(self.ask(method, path, **options))

    async def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://gateway", headers=headers
        ) as client:
            return await client.request(method, path, **options)

    def with_key(self, key: str) -> Caller:
        return Caller(self.app, self.runner, key)


@pytest.fixture
def other_fields() -> dict[str, Any]:
    """What the key of *other* may do; tests change it before they ask for a caller."""
    return {}


@pytest.fixture
def first_fields() -> dict[str, Any]:
    """What the key of *call* has beside its rights."""
    return {}


@pytest.fixture
def keys(key_file: KeyFile, first_fields: dict[str, Any], other_fields: dict[str, Any]) -> tuple[str, str]:
    """The API keys of two callers; the first may do everything."""
    first = {"name": "shop", "resets": tuple(ResetRight), **first_fields}
    fields = [first, {"name": "other", **other_fields}]
    made = [str(key_file.create(**each)[1]) for each in fields]
    return made[0], made[1]


@pytest.fixture
def call(keys: tuple[str, str], gateway: Gateway) -> Iterator[Caller]:
    """A caller with a key that may do everything."""
    with asyncio.Runner() as runner:
        yield Caller(create_app(gateway), runner, keys[0])
        gateway.close()


@pytest.fixture
def other(keys: tuple[str, str], call: Caller) -> Caller:
    """A caller with another key."""
    return call.with_key(keys[1])


@pytest.fixture
def mail() -> dict[str, Any]:
    """A mail, other than any before."""
    return {"to": "ann@example.org", "subject": f"Hello {uuid.uuid4()}", "body": "b"}
