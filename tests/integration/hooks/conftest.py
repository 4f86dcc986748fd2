"""Senders as processes of their own, mails that end in a real journal, and receivers of both."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import redis

from producers.hooks.ledger import Ledger
from producers.web.keyfile import KeyFile
from producers.web.webhook import new_secret
from tasks.contract.validation import parse
from tasks.journal.control import Control
from tasks.journal.entries import Entry
from tasks.journal.journal import Journal
from tests.servers.receiver import receiving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from producers.web.keys import Key
    from tests.servers.receiver import Receiver

ROOT = Path(__file__).parents[3]


@dataclass
class Office:
    """A journal at *url*, a file of keys, and senders that serve them."""

    url: str
    folder: Path
    keys: KeyFile
    stack: ExitStack
    redis: redis.Redis

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.redis)

    @property
    def log(self) -> Path:
        return self.folder / "sender.log"

    def lines(self, event: str) -> list[dict[str, Any]]:
        """What senders have logged of *event*."""
        found = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in found if line["event"] == event]

    def key(self, url: str, **fields: Any) -> Key:
        """Make a key with a webhook at *url*."""
        secrets = [{"secret": new_secret().get_secret_value()}]
        return self.keys.create(name="shop", webhook={"url": url, "secrets": secrets, **fields})[0]

    def end(self, key: Key, count: int = 1) -> list[str]:
        """Have mails of *key* end, by cancelling them; return their ids."""
        mail = {"to": "canary@example.org", "subject": "canary-subject", "body": "canary-body"}
        made = [Entry.of(str(uuid.uuid4()), "default", parse(mail)) for _ in range(count)]
        Journal(self.redis).accept([replace(entry, notify=key.notify) for entry in made])
        for entry in made:
            Control(self.redis).cancel(entry.mail_id)
        return [entry.mail_id for entry in made]

    def send(self, **settings: str) -> subprocess.Popen[bytes]:
        """Start a sender."""
        return self.stack.enter_context(self._sending(settings))

    @contextmanager
    def _sending(self, settings: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "POSTROOM_BROKER_URL": self.url,
            "POSTROOM_WEB_KEYS_FILE": str(self.keys.path),
            "POSTROOM_HOOKS_TIMEOUT": "1",
            "POSTROOM_LOG_LEVEL": "DEBUG",
            **settings,
        }
        line = [sys.executable, "-m", "producers.cli.main", "hooks", "run"]
        with (
            self.log.open("ab") as output,
            subprocess.Popen(line, cwd=self.folder, env=environment, stdout=output, stderr=output) as process,  # noqa: S603 (our own line)
        ):
            try:
                yield process
            finally:
                process.terminate()
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    process.kill()


@pytest.fixture
def office(valkey_url: str, tmp_path: Path) -> Iterator[Office]:
    """A journal that holds nothing, and no sender yet."""
    with ExitStack() as stack:
        client = stack.enter_context(redis.Redis.from_url(valkey_url))
        yield Office(valkey_url, tmp_path, KeyFile(tmp_path / "keys.json"), stack, client)


@pytest.fixture(scope="module")
def served(valkey: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A sender that runs for all tests of a file; each has keys of its own."""
    url, folder = valkey.removesuffix("0") + "1", tmp_path_factory.mktemp("served")
    with ExitStack() as stack:
        client = stack.enter_context(redis.Redis.from_url(url))
        client.flushdb()
        office = Office(url, folder, KeyFile(folder / "keys.json"), stack, client)
        office.send()
        yield office


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def until() -> Callable[..., None]:
    """Waits until something is so, and fails where it does not become so."""

    def wait(is_so: Callable[[], object], *, within: float = 20.0) -> None:
        deadline = time.monotonic() + within
        while not is_so():
            assert time.monotonic() < deadline, "it did not become so in time"
            time.sleep(0.02)

    return wait
