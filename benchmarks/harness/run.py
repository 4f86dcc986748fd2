"""One run of one contender, from its first enqueued mail to its last readable result, with its checks."""

from __future__ import annotations

import os
import random
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.harness import servers
from benchmarks.harness.failed import BenchmarkFailed
from benchmarks.harness.processes import Usage, running, usage
from benchmarks.harness.scratch import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmarks.harness.contenders import Contender

_DECODED: Final = 200
_LOOK: Final = 0.01
_PART: Final = 200
_SLOWEST: Final = 20.0


@dataclass(frozen=True)
class Stage:
    """A contender with its Redis, its sink and its running workers."""

    contender: Contender
    folder: Path
    queue: servers.Queue
    sink: servers.Sink
    workers: tuple[subprocess.Popen[bytes], ...]
    environment: Mapping[str, str]

    def usage(self) -> Usage:
        """Return what workers and Redis used until now; the memory is the workers' alone."""
        found = [usage(worker.pid) for worker in self.workers]
        processor = sum(u.processor for u in found) + usage(self.queue.pid).processor
        return Usage(processor, sum(u.pss for u in found), sum(u.peak for u in found))

    def enqueue(self, way: str, count: int, *, warm: int = 0) -> Enqueued:
        """Enqueue *count* mails. Raises `BenchmarkFailed` where the program fails."""
        line = [*self.contender.enqueue, way, str(count)]
        environment = {**os.environ, **self.environment, "BENCH_WARM": str(warm)}
        done = subprocess.run(
            line, cwd=self.contender.folder, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise BenchmarkFailed(f"{self.contender.name} did not enqueue: {done.stderr[-2000:]}")
        return Enqueued.read(done.stdout)

    def wait(self, keys: list[str]) -> float:
        """Return the moment when the last of *keys* can be read. Raises `BenchmarkFailed` after too long."""
        seconds = 60.0 + len(keys) / _SLOWEST
        deadline = time.time() + seconds
        parts = [keys[start : start + _PART] for start in range(0, len(keys), _PART)]
        while parts:
            if self.contender.is_sent(self.queue.client, parts[0]):
                parts.pop(0)
                continue
            if time.time() > deadline:
                raise BenchmarkFailed(
                    f"{self.contender.name} had not sent all mails within {seconds:g} s\n{self.logs()}"
                )
            if any(worker.poll() is not None for worker in self.workers):
                raise BenchmarkFailed(f"a worker of {self.contender.name} ended\n{self.logs()}")
            time.sleep(_LOOK)
        return time.time()

    def logs(self) -> str:
        """Return how the workers' logs end."""
        return "".join(log.read_text()[-2000:] for log in sorted(self.folder.glob("worker*.log")))

    def check(self, keys: list[str]) -> None:
        """Decode some results. Raises `BenchmarkFailed` where one does not say that its mail was sent."""
        for key in random.sample(keys, min(_DECODED, len(keys))):
            if not self.contender.decode(self.queue.client, key):
                raise BenchmarkFailed(f"{self.contender.name} has a result that says no mail was sent: {key}")


@dataclass(frozen=True)
class Enqueued:
    """What an enqueueing program printed: its beginning, end and processor time, the keys of results."""

    began: float
    ended: float
    processor: float
    keys: list[str]

    @classmethod
    def read(cls, output: str) -> Enqueued:
        """Read the lines of *output*."""
        facts: dict[str, float] = {}
        keys: list[str] = []
        for line in output.splitlines():
            name, _, value = line.partition(" ")
            if name == "key":
                keys.append(value)
            else:
                facts[name] = float(value)
        return cls(facts["began"], facts["ended"], facts["cpu"], keys)


@contextmanager
def stage(
    contender: Contender, *, rtt: float = 0.0, more: Mapping[str, str] | None = None, works: bool = True
) -> Iterator[Stage]:
    """Set up Redis, sink and, if *works*, workers; tear everything down afterwards."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="postroom-bench-")))
        queue = stack.enter_context(servers.redis_server(folder))
        sink = stack.enter_context(servers.sink(folder, rtt))
        environment = {
            **contender.environment,
            "BENCH_REDIS": queue.url,
            "BENCH_SMTP_PORT": str(sink.port),
            "POSTROOM_BROKER_URL": queue.url,
            "POSTROOM_ACCOUNTS__default__PORT": str(sink.port),
            "PYTHONPATH": str(ROOT),
            "PATH": f"{ROOT}/.venv/bin:{os.environ['PATH']}",
            **(more or {}),
        }
        workers = tuple(
            stack.enter_context(
                running(line, environment=environment, folder=contender.folder, log=folder / f"worker{i}.log")
            )
            for i, line in enumerate(contender.workers if works else ())
        )
        yield Stage(contender, folder, queue, sink, workers, environment)


def warmed(found: Stage, way: str, count: int) -> None:
    """Send mails that are not measured; a program's first ones cost more than the others."""
    enqueued = found.enqueue(way, count)
    found.wait(enqueued.keys)
