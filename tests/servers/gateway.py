"""The HTTP gateway as it runs: a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from producers.web.keyfile import KeyFile
from producers.web.keys import ResetRight
from producers.web.webhook import new_secret
from tests.servers.redis_server import free_port
from worker.broker import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]


@dataclass
class Running:
    """A gateway that answers at *url*; *key* may do everything, quickly."""

    url: str
    key: str
    keys: KeyFile
    process: subprocess.Popen[bytes]
    log: Path
    queue: str

    @property
    def address(self) -> tuple[str, int]:
        return LOOPBACK, int(self.url.rpartition(":")[2])

    def client(self, key: str | None = None, **options: Any) -> httpx.Client:
        headers = {"Authorization": f"Bearer {key or self.key}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30.0, **options)

    def lines(self) -> list[dict[str, Any]]:
        """What it has logged about requests."""
        found = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [line for line in found if line["event"] == "request"]

    def threads(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/task"))  # noqa: PTH208 (their number is all)


@contextmanager
def running(folder: Path, queue: str, **settings: str) -> Iterator[Running]:
    port = free_port()
    keys = KeyFile(folder / "keys.json")
    rights: dict[str, Any] = {"rate": 100_000.0, "burst": 100_000, "resets": tuple(ResetRight)}
    secrets = [{"secret": new_secret().get_secret_value()}]
    webhook = {"url": "https://shop.example/mails", "secrets": secrets}
    _, token = keys.create(name="shop", webhook=webhook, **rights)
    log = folder / "gateway.log"
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "POSTROOM_BROKER_URL": queue,
        "POSTROOM_WEB_KEYS_FILE": str(keys.path),
        "POSTROOM_WEB_PORT": str(port),
        "POSTROOM_WEB_MAX_WAIT": "2",
        **settings,
    }
    line = [sys.executable, "-m", "producers.cli.main", "web"]
    with (
        log.open("wb") as output,
        subprocess.Popen(line, cwd=folder, env=environment, stdout=output, stderr=output) as process,  # noqa: S603 (our own line)
    ):
        found = Running(f"http://{LOOPBACK}:{port}", str(token), keys, process, log, queue)
        try:
            _wait_until_it_answers(found)
            yield found
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_until_it_answers(found: Running) -> None:
    deadline = time.monotonic() + 40.0
    while True:
        try:
            if httpx.get(f"{found.url}/healthz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        assert found.process.poll() is None, found.log.read_text()
        assert time.monotonic() < deadline, found.log.read_text()
        time.sleep(0.1)
