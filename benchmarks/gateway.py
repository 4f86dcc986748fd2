"""
What the gateway makes of many clients, against FastAPI with a `send_task` for each request.

Run it with `python -m benchmarks.gateway`. Both run as one process each under the same uvicorn, on one Redis
of their own that keeps nothing, and take turns. Clients are kept connections of a process of its own that
write prepared requests and read answers, so that they cost little. The gateway does more for each request: it
checks a key, counts its rate, notes the mail for its key, and records it in the journal.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, NamedTuple

import httptools
import redis

from producers.web.keyfile import KeyFile
from worker.broker import LOOPBACK, command, wait_until_ready

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAIL = {"to": "ann@example.org", "subject": "Hello", "body": "A line.\r\n" * 110}


class Round(NamedTuple):
    """One measurement: requests a second, the processor's seconds for each, and latencies in seconds."""

    rate: float
    processor: float
    latencies: list[float]

    @property
    def p50(self) -> float:
        """The latency of half of the requests."""
        return median(self.latencies)

    @property
    def p99(self) -> float:
        """The latency of all but the slowest of a hundred."""
        return quantiles(self.latencies, n=100)[98]


class Client:
    """A kept connection that sends the same request again and again."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
        self._reader, self._writer, self._request = reader, writer, request
        self._done = False
        self._parser: httptools.HttpResponseParser

    def on_message_complete(self) -> None:
        """Note that an answer is whole."""
        self._done = True

    async def ask(self) -> float:
        """Send the request and return the seconds until its answer, which must be 202."""
        began = time.perf_counter()
        self._writer.write(self._request)
        self._done = False
        parser = httptools.HttpResponseParser(self)
        while not self._done:
            parser.feed_data(await self._reader.read(65536))
        if parser.get_status_code() != HTTPStatus.ACCEPTED:
            raise RuntimeError(f"answered with {parser.get_status_code()}")
        return time.perf_counter() - began


async def _connect(port: int, request: bytes) -> Client:
    return Client(*await asyncio.open_connection(LOOPBACK, port), request)


async def _crowd(port: int, request: bytes, clients: int, seconds: float) -> list[float]:
    """Have *clients* ask as fast as they can; return the latencies."""
    crowd = [await _connect(port, request) for _ in range(clients)]
    end = time.perf_counter() + seconds
    found: list[float] = []

    async def go(client: Client) -> None:
        while time.perf_counter() < end:
            found.append(await client.ask())

    await asyncio.gather(*map(go, crowd))
    return found


async def _steadily(port: int, request: bytes, rate: float, seconds: float) -> list[float]:
    """Ask *rate* times a second, whatever the answers take; return the latencies."""
    idle = [await _connect(port, request) for _ in range(20)]
    found: list[float] = []

    async def go() -> None:
        client = idle.pop() if idle else await _connect(port, request)
        found.append(await client.ask())
        idle.append(client)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(round(rate * seconds)):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            group.create_task(go())
    return found


def _processor(pid: int) -> float:
    """Return the processor's seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def _process(line: list[str], port: int, log: Path, **environment: str) -> Iterator[int]:
    with (
        log.open("wb") as output,
        subprocess.Popen(line, env={**os.environ, **environment}, stdout=output, stderr=output) as process,
    ):
        try:
            _await(port)
            yield process.pid
        finally:
            process.send_signal(signal.SIGTERM)


def _await(port: int) -> None:
    end = time.monotonic() + 60.0
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex((LOOPBACK, port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("a server did not start")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _request(port: int, key: str) -> bytes:
    body = json.dumps(_MAIL).encode()
    head = (
        f"POST /v1/emails HTTP/1.1\r\nHost: {LOOPBACK}:{port}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _servers(stack: ExitStack, folder: Path, queue: str) -> dict[str, tuple[int, int, bytes]]:
    """Start both, and return port, process and request of each."""
    keys = KeyFile(folder / "keys.json")
    _, token = keys.create(name="crowd", rate=1_000_000.0, burst=1_000_000)
    ours, plain = _free_port(), _free_port()
    settings = {"POSTROOM_BROKER_URL": queue, "POSTROOM_WEB_KEYS_FILE": str(keys.path)}
    gateway = [sys.executable, "-m", "producers.cli.main", "web", "--port", str(ours)]
    peer = [sys.executable, "-m", "uvicorn", "benchmarks._plain_web:app", "--port", str(plain)]
    peer += ["--no-access-log"]
    return {
        "gateway": (
            ours,
            stack.enter_context(_process(gateway, ours, folder / "gateway.log", **settings)),
            _request(ours, str(token)),
        ),
        "send_task": (
            plain,
            stack.enter_context(_process(peer, plain, folder / "plain.log", BENCHMARK_QUEUE=queue)),
            _request(plain, ""),
        ),
    }


def _round(server: tuple[int, int, bytes], options: argparse.Namespace, *, steady: bool) -> Round:
    port, pid, request = server
    asyncio.run(_crowd(port, request, 4, 0.3))
    wall, processor = time.perf_counter(), _processor(pid)
    work = (
        _steadily(port, request, options.rate, options.seconds)
        if steady
        else _crowd(port, request, options.clients, options.seconds)
    )
    latencies = asyncio.run(work)
    count, wall = len(latencies), time.perf_counter() - wall
    return Round(count / wall, (_processor(pid) - processor) / count, latencies)


def _measure(
    options: argparse.Namespace, url: str, servers: dict[str, tuple[int, int, bytes]], *, steady: bool
) -> dict[str, list[Round]]:
    found: dict[str, list[Round]] = {name: [] for name in servers}
    for _ in range(options.rounds):
        for name, server in servers.items():
            with redis.Redis.from_url(url) as client:
                client.flushall()
            found[name].append(_round(server, options, steady=steady))
    return found


def _print(title: str, found: dict[str, list[Round]]) -> None:
    print(f"\n{title:34} {'requests/s':>11} {'CPU each':>10} {'p50':>9} {'p99':>9}")
    for name, rounds in found.items():
        rate, processor, p50, p99 = (
            median(getattr(r, what) for r in rounds) for what in ("rate", "processor", "p50", "p99")
        )
        print(f"{name:34} {rate:11.0f} {processor * 1e6:7.0f} us {p50 * 1e3:6.1f} ms {p99 * 1e3:6.1f} ms")
    pairs = list(zip(found["gateway"], found["send_task"], strict=True))
    print(
        f"{'gateway / send_task':34} {median(a.rate / b.rate for a, b in pairs):9.1f} x "
        f"{median(b.processor / a.processor for a, b in pairs):8.1f} x "
        f"{(median(a.p50 - b.p50 for a, b in pairs)) * 1e3:+6.1f} ms "
        f"{(median(a.p99 - b.p99 for a, b in pairs)) * 1e3:+6.1f} ms"
    )


def main() -> int:
    """Print what both do with a crowd, and with a trickle."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="rounds, each with both (default 5)")
    parser.add_argument("--seconds", type=float, default=4.0, help="seconds of a round (default 4)")
    parser.add_argument("--clients", type=int, default=50, help="clients at once (default 50)")
    parser.add_argument(
        "--rate", type=float, default=50.0, help="requests a second of those who come singly (default 50)"
    )
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port = _free_port()
        line = [*command(port, folder), "--save", "", "--appendonly", "no"]
        broker = stack.enter_context(subprocess.Popen(line, stdout=subprocess.DEVNULL))
        stack.callback(broker.kill)
        wait_until_ready(port)
        url = f"redis://{LOOPBACK}:{port}/0"
        servers = _servers(stack, folder, url)
        _print(f"{options.clients} clients at once", _measure(options, url, servers, steady=False))
        _print(f"{options.rate:g} requests a second", _measure(options, url, servers, steady=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
