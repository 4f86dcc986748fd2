"""Deliveries in a Redis that is no server, and mails that end in its journal."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import fakeredis
import pytest

from producers.hooks.deliveries import Deliveries, DeliveryOptions
from producers.hooks.events import Event
from producers.hooks.ledger import Ledger
from producers.hooks.posting import Attempt
from producers.web.keyfile import KeyFile
from producers.web.webhook import new_secret
from tasks.contract.validation import parse
from tasks.journal.control import Control
from tasks.journal.entries import Entry
from tasks.journal.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from redis import Redis

    from producers.web.keys import Key

REQUEST = parse({"to": "ann@x.org", "subject": "canary-subject", "body": "b", "metadata": {"order": "7"}})


@pytest.fixture
def redis() -> Iterator[Redis]:
    """An empty Redis."""
    with fakeredis.FakeRedis() as client:
        yield client


@dataclass
class Post:
    """Mails that end, and what becomes of telling it."""

    redis: Redis
    options: DeliveryOptions = field(default_factory=DeliveryOptions)

    @property
    def deliveries(self) -> Deliveries:
        return Deliveries(self.redis, options=self.options)

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.redis, options=self.options)

    def end(self, key_id: str, mail_id: str = "") -> str:
        """Have a mail of the key end: it is cancelled."""
        made = replace(self.entry(mail_id or str(uuid.uuid4())), notify=key_id)
        Journal(self.redis).accept([made])
        Control(self.redis).cancel(made.mail_id)
        return made.mail_id

    def entry(self, mail_id: str) -> Entry:
        return Entry.of(mail_id, "default", REQUEST)

    def events(self) -> list[Event]:
        return [Event.of(entry, fields) for entry, fields in self.deliveries.ended(most=1000)]

    def admit(self, key_id: str = "shop", count: int = 1) -> list[Event]:
        """Have mails end, and make deliveries of it."""
        for _ in range(count):
            self.end(key_id)
        events = self.events()
        self.deliveries.admit(events)
        return events


@pytest.fixture
def post(redis: Redis) -> Post:
    return Post(redis)


@pytest.fixture
def attempt() -> Callable[..., Attempt]:
    """Makes attempts, as they end unless told otherwise."""

    def make(status: int | None = 500, **fields: Any) -> Attempt:
        return Attempt(**{"at": 1893456000.0, "seconds": 0.01, "status": status, **fields})

    return make


@pytest.fixture
def key_file(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "keys.json")


@pytest.fixture
def make_key(key_file: KeyFile) -> Callable[..., Key]:
    """Makes keys with a webhook at *url*."""

    def make(url: str = "https://shop.example/hook", **fields: Any) -> Key:
        webhook = {"url": url, "secrets": [{"secret": new_secret().get_secret_value()}], **fields}
        return key_file.create(name="shop", webhook=webhook)[0]

    return make
