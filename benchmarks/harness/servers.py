"""The Redis and the mail server that every run gets anew."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import smtplib
import socket
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import redis

from benchmarks.harness.failed import BenchmarkFailed
from benchmarks.harness.processes import running
from benchmarks.harness.scratch import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_LONGEST_START = 20.0


@dataclass(frozen=True)
class Queue:
    """A Redis server with an append-only file, synchronised every second."""

    url: str
    pid: int
    client: redis.Redis


@dataclass(frozen=True)
class Sink:
    """A mail server; *count* says how many messages it has taken."""

    port: int
    name: str
    count: Callable[[], int]


def free_port() -> int:
    """Return a port of this machine that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(is_so: Callable[[], Any], *, what: str, seconds: float = _LONGEST_START) -> None:
    """
    Wait until something is so.

    Raises:
        BenchmarkFailed: it took too long; says *what*.
    """
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise BenchmarkFailed(f"{what} within {seconds:g} s")
        time.sleep(0.02)


@contextmanager
def redis_server(folder: Path) -> Iterator[Queue]:
    """Run redis-server or valkey-server. Raises `BenchmarkFailed` where there is neither."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        raise BenchmarkFailed("neither redis-server nor valkey-server is installed")
    port = free_port()
    line = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    line += ["--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction"]
    # As `docker-compose.yml` has it, for all contenders.
    line += ["--auto-aof-rewrite-min-size", "256mb", "--rdbcompression", "no"]
    with running(line, environment={}, folder=folder, log=folder / "redis.log") as process:
        client = redis.Redis(port=port)
        wait_until(lambda: _answers(client), what="Redis did not start")
        yield Queue(f"redis://127.0.0.1:{port}/0", process.pid, client)
        client.close()


@contextmanager
def sink(folder: Path, rtt: float = 0.0) -> Iterator[Sink]:
    """Run Postfix's smtp-sink where it is installed and no round trip is asked for, else a sink of ours."""
    own = rtt or shutil.which("smtp-sink") is None
    with _own_sink(folder, rtt) if own else _smtp_sink(folder) as found:
        yield found


@contextmanager
def _smtp_sink(folder: Path) -> Iterator[Sink]:
    port, log = free_port(), folder / "sink.log"
    user = ["-u", getpass.getuser()] if os.geteuid() == 0 else []
    with running(
        ["smtp-sink", *user, "-c", f"127.0.0.1:{port}", "512"], environment={}, folder=folder, log=log
    ):
        wait_until(lambda: _listens(port), what="smtp-sink did not start")
        yield Sink(port, "smtp-sink", lambda: _last_number(rb"mesg=(\d+)", log))


@contextmanager
def _own_sink(folder: Path, rtt: float) -> Iterator[Sink]:
    log = folder / "sink.log"
    line = [sys.executable, "-m", "benchmarks.harness.sink", "--rtt", str(rtt)]
    with running(line, environment={"PYTHONPATH": str(ROOT)}, folder=folder, log=log):
        wait_until(lambda: log.stat().st_size, what="the sink did not start")
        port = int(log.read_text().split()[0])

        def count() -> int:
            with smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
                return int(client.docmd("XCOUNT")[1])

        yield Sink(port, f"a sink {rtt * 1000:g} ms away", count)


def _last_number(pattern: bytes, log: Path) -> int:
    found = re.findall(pattern, log.read_bytes()[-4096:])
    return int(found[-1]) if found else 0


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
