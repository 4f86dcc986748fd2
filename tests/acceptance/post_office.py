"""A post office under test: a broker, a mail server, and workers between them that may be killed."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from producers.client import Mailer
from tasks.journal.connecting import client_of
from tasks.journal.journal import Journal
from tasks.journal.keys import MAIL, OPEN
from tasks.journal.sealing import generate_key
from tasks.message.identity import Identity
from tests.acceptance import processes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from celery import Celery
    from redis import Redis

    from tasks.journal.records import Record
    from tasks.testing.server import ScriptedServer

ROOT = Path(__file__).parents[2]
DOMAIN = "example.org"
#: What must be found neither in a log nor, at any time, in Redis.
CANARIES = {"canarysubject", "canarybody", "canarylocal"}
#: What a worker is told so that a test ends soon.
HURRY = {"POSTROOM_LEASE": "3", "POSTROOM_PATIENCE": "3", "POSTROOM_SWEEP_INTERVAL": "0.5"}


def procfile(process: str) -> list[str]:
    """Return the command line that the Procfile has for *process*, with our own Python."""
    lines = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines() if line)
    words = shlex.split(lines[process])
    command = words[words.index("exec") + 1 :]
    return [sys.executable if word == "python" else word for word in command]


@dataclass
class Worker:
    """A worker, and the supervisor over it where there is one."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    concurrency: int
    is_supervised: bool

    @property
    def main(self) -> int:
        """The process id of the worker itself, 0 while there is none."""
        if not self.is_supervised:
            return self.process.pid
        return next(iter(processes.children(self.process.pid)), 0)

    @property
    def pool(self) -> list[int]:
        """The process ids of its pool: none where the worker sends in threads."""
        return processes.children(self.main)

    def is_dead(self) -> bool:
        """Whether there is nothing left that would send."""
        return self.process.poll() is not None

    def kill(self) -> None:
        """Kill all its processes at once, as the machine's death would."""
        self.process.kill()
        self.process.wait()
        for process in processes.session(self.process.pid):
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all processes of the worker."""
        for pid in [self.main, *self.pool]:
            with suppress(ProcessLookupError):
                os.kill(pid, number)


@dataclass
class PostOffice:
    """
    Everything that a row needs: it takes mails in, opens workers, and knows what the server saw.

    Where it *is_hurried*, leases and patience are short; else they are those of production.
    """

    broker: str
    server: ScriptedServer
    folder: Path
    workers: list[Worker] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    key: str = field(default_factory=generate_key)
    is_hurried: bool = True
    #: The journal's URL where the broker is no Redis.
    journal: str = ""

    @cached_property
    def mailer(self) -> Mailer:
        """What enqueues; everything is sealed."""
        return Mailer(self.broker, journal_url=self.journal or None, sealing_keys=[self.key])

    @cached_property
    def redis(self) -> Redis:
        """The journal's database, which is the broker's where that is a Redis."""
        return client_of(self.journal or self.broker)

    @property
    def logbooks(self) -> Path:
        """Where its workers note what they do."""
        return self.folder / "logbooks"

    def settings(self, **settings: str) -> dict[str, str]:
        """Return the environment of a worker."""
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("POSTROOM_")},
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "POSTROOM_BROKER_URL": self.broker,
            "POSTROOM_JOURNAL_URL": self.journal,
            "POSTROOM_SEALING_KEYS": self.key,
            "POSTROOM_REQUIRE_SEALED": "true",
            "POSTROOM_ACCOUNTS__default__HOST": self.server.host,
            "POSTROOM_ACCOUNTS__default__PORT": str(self.server.port),
            "POSTROOM_ACCOUNTS__default__SECURITY": "null",
            "POSTROOM_ACCOUNTS__default__SENDER": f"desk@{DOMAIN}",
            "POSTROOM_CONCURRENCY": "4",
            "POSTROOM_LOGBOOKS": str(self.logbooks),
            "POSTROOM_LOG_LEVEL": "DEBUG",
            **(HURRY if self.is_hurried else {}),
            **settings,
        }

    def open(
        self,
        *,
        fault: str = "",
        fuses: int = 1,
        supervised: bool = False,
        arguments: Sequence[str] = (),
        output: int | None = None,
        **settings: str,
    ) -> Worker:
        """
        Start a worker as the Procfile does, with or without the supervisor.

        With *fault* it breaks at that step (see `tests.acceptance.faulty`), as often as there are *fuses*;
        workers with the same fault share them.
        Its log goes to a file, or to the file descriptor *output*.
        """
        line, name = procfile("worker"), f"w{len(self.workers)}"
        node = line.index("worker.node")
        options = [*line[node + 1 :], f"--hostname={name}@%h", *arguments]
        supervisor, launcher = line[: node - 1], [sys.executable, "-m", "worker.node"]
        if fault:
            launcher = [sys.executable, "-m", "tests.acceptance.faulty", "-A", "worker.app", "worker"]
        elif supervised:
            launcher = launcher[1:]
        environment = self.settings(**settings)
        if fault:
            environment |= {"FAULT": fault, "FUSES": str(self._lay(fault, fuses))}
        log = self.folder / f"{name}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(  # noqa: S603 (the Procfile's own line)
                [*(supervisor if supervised else []), *launcher, *options],
                cwd=self.folder,
                env=environment,
                stdout=output or file,
                stderr=output or file,
                start_new_session=True,
            )
        worker = Worker(name, process, log, int(environment["POSTROOM_CONCURRENCY"]), supervised)
        self.workers.append(worker)
        return worker

    def reopen(self, worker: Worker, **options: Any) -> Worker:
        """Return *worker*, or a new one where it is dead: what a supervisor does, only sooner."""
        return self.open(**options) if worker.is_dead() else worker

    def enqueue(self, count: int = 1, *, lane: str = "default", **parameters: object) -> list[str]:
        """Hand in *count* mails, each to somebody else, and return their ids."""
        first = len(self.accepted)
        messages = [
            {
                "to": f"canarylocal.{number}@{DOMAIN}",
                "subject": "canarysubject",
                "body": "canarybody",
                **parameters,
            }
            for number in range(first, first + count)
        ]
        ids = [mail_id for mail_id in self.mailer.enqueue_many(messages, lane=lane).ids if mail_id]
        self.accepted += ids
        if self.is_hurried:
            # A producer's patience is twenty seconds, whatever the worker's is.
            self.redis.zadd(OPEN, dict.fromkeys(ids, time.time() * 1000 + 3000), xx=True)
        return ids

    def records(self) -> dict[str, Record | None]:
        """Return what the journal knows of each mail that it accepted."""
        return dict(zip(self.accepted, Journal(self.redis).look_up(self.accepted), strict=True))

    def is_over(self, mail_id: str) -> bool:
        """Whether a mail has its result."""
        return self.mailer.poll(mail_id).state.is_terminal

    def is_idle(self) -> bool:
        """Whether every mail has its result."""
        return not self.redis.zcard(OPEN)

    def states(self) -> dict[str, bytes | None]:
        """Return the state of each mail that has no result yet, as the journal keeps it."""
        ids = [mail_id.decode() for mail_id in self.redis.zrange(OPEN, 0, -1)]
        pipeline = self.redis.pipeline(transaction=False)
        for mail_id in ids:
            pipeline.hget(MAIL + mail_id, "state")
        return dict(zip(ids, pipeline.execute(), strict=True))

    def in_hand(self) -> list[str]:
        """Return the mails that a worker has taken up, dead or alive."""
        return [mail_id for mail_id, state in self.states().items() if state in {b"sending", b"data"}]

    def message_id(self, mail_id: str, record: Record) -> str:
        """Return the Message-ID under which a mail must go out, each time."""
        return Identity.of(mail_id, record.accepted_at, DOMAIN).message_id

    def wait_until(self, condition: Callable[[], Any], what: str, *, seconds: float = 30.0) -> None:
        """Return as soon as *condition* holds; fail with *what* and the last log when it does not."""
        last_moment = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > last_moment:
                raise AssertionError(f"waited {seconds:g} s in vain: {what}\n{self.last_words()}")
            time.sleep(0.02)

    def last_words(self) -> str:
        """Return the end of the last worker's log."""
        log = self.workers[-1].log.read_text(errors="replace") if self.workers else ""
        return "\n".join(log.splitlines()[-15:])

    def _lay(self, fault: str, fuses: int) -> Path:
        folder = self.folder / f"fuses.{fault}"
        if not folder.exists():
            folder.mkdir()
            for number in range(fuses):
                (folder / str(number)).touch()
        return folder

    def lay_fuse(self, fault: str) -> None:
        """Have *fault* come about once more."""
        (self.folder / f"fuses.{fault}" / "another").touch()

    def fuses_left(self) -> int:
        """Return how many faults have not come about."""
        return sum(len(list(folder.iterdir())) for folder in self.folder.glob("fuses.*"))

    def take_fuses_away(self) -> None:
        """Let no more faults come about."""
        for fuse in self.folder.glob("fuses.*/*"):
            fuse.unlink(missing_ok=True)

    def processes_of(self, worker: Worker) -> set[int]:
        """Return the process ids of a worker that is ready."""
        self.wait_until(lambda: b" ready." in worker.log.read_bytes(), "the worker")
        return {worker.main, *worker.pool}

    def app(self) -> Celery:
        """Return an app that may look at the workers and their results."""
        from worker.queue import QueueApp  # noqa: PLC0415 (only few rows need it)

        return QueueApp(self.broker, backend=self.journal or self.broker)

    def close(self) -> None:
        """Kill what still runs, and close what was opened."""
        for worker in self.workers:
            worker.kill()
        self.mailer.close()
        self.redis.close()
