"""A real worker with a real broker behind it and a scripted mail server before it, one for the session."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery
from redis import Redis

from producers.client import Mailer
from tasks.testing.actions import Pause
from tasks.testing.script import Script
from tasks.testing.server import ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from celery.result import AsyncResult

ROOT = Path(__file__).parents[3]

#: What the server does for these recipients; it takes the mails of all others.
RECIPIENTS = {
    "nobody@example.org": "550 5.1.1 <nobody@example.org>: no such user",
    "grey@example.org": ("451 4.7.1 greylisted", "451 4.7.1 greylisted"),
    "patient@example.org": ("451 4.7.1 try again in 4 seconds",),
    "hesitant@example.org": ("451 4.7.1 try again in 30 seconds",),
    "moody@example.org": ("550 5.7.1 not today",),
    "slow@example.org": Pause(4.0),
    "mute@example.org": Pause(60.0),
}


@dataclass
class Post:
    """The post room as a producer sees it."""

    url: str
    server: ScriptedServer
    log: Path
    worker: subprocess.Popen[bytes]
    mailer: Mailer = field(init=False)
    app: Celery = field(init=False)

    def __post_init__(self) -> None:
        self.mailer = Mailer(self.url)
        self.app = Celery("shop", broker=self.url, backend=self.url, set_as_current=False)

    def send(self, lane: str = "default", **parameters: Any) -> AsyncResult[Any]:
        """Enqueue by name, as a program does that has nothing of ours."""
        message = {"to": "ann@example.org", "subject": "s", "body": "b", **parameters}
        return self.app.send_task("send_email", kwargs=message, queue=lane)

    def mails_to(self, recipient: str) -> int:
        """How many copies *recipient* got."""
        return sum(recipient in mail.recipients for mail in self.server.mails)


@pytest.fixture(scope="session")
def post(valkey: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    """A worker of two processes that is ready."""
    folder = tmp_path_factory.mktemp("post")
    (folder / "attachments").mkdir()
    (folder / "attachments" / "terms.txt").write_text("the terms", encoding="utf-8")
    log = folder / "worker.log"
    with ScriptedServer(Script(rcpt=RECIPIENTS)) as server, log.open("wb") as output:
        environment = {
            **os.environ,
            "POSTROOM_BROKER_URL": valkey,
            "POSTROOM_ACCOUNTS__default__HOST": server.host,
            "POSTROOM_ACCOUNTS__default__PORT": str(server.port),
            "POSTROOM_ACCOUNTS__default__SECURITY": "null",
            "POSTROOM_ACCOUNTS__default__SENDER": "desk@example.org",
            "POSTROOM_ATTACHMENT_ROOTS": str(folder / "attachments"),
            "POSTROOM_CONCURRENCY": "4",
            "POSTROOM_LOG_LEVEL": "DEBUG",
            "PYTHONPATH": str(ROOT),
        }
        line = [sys.executable, "-m", "celery", "-A", "worker.app", "worker"]
        with subprocess.Popen(line, cwd=folder, env=environment, stdout=output, stderr=output) as worker:  # noqa: S603 (our own line)
            post = Post(valkey, server, log, worker)
            try:
                assert post.send().get(timeout=30)["success"], log.read_text(encoding="utf-8")
                yield post
            finally:
                worker.terminate()


@pytest.fixture
def place(valkey: str) -> str:
    """The URL of a database that no worker looks at."""
    return valkey.removesuffix("/0") + "/5"


@pytest.fixture
def redis(place: str) -> Iterator[Redis]:
    """A client of that database, which is empty."""
    with Redis.from_url(place) as client:
        client.flushdb()
        yield client


@pytest.fixture
def eventually() -> Callable[[Callable[[], object]], None]:
    """Waits until something is so, at most ten seconds."""

    def wait(is_so: Callable[[], object]) -> None:
        deadline = time.monotonic() + 10.0
        while not is_so():
            assert time.monotonic() < deadline, "it did not come to be"
            time.sleep(0.02)

    return wait
