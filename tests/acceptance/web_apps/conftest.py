"""Web applications of others, in folders of their own, and the Postroom that they send through."""

from __future__ import annotations

import email
import os
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from email.policy import default
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import redis

from producers.web.keyfile import KeyFile
from tasks.journal.sealing import generate_key
from tasks.testing.server import ScriptedServer
from tests.acceptance.web_apps import djangos
from worker.broker import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from email.message import EmailMessage

ROOT = Path(__file__).parents[3]
WAYS = ["by_name", "over_http"]
#: What is about to go from Django or Python is a mistake in our files, but not where libraries use it.
WARNINGS = [
    f"-Werror::{kind}:shop.{module}"
    for kind in ("DeprecationWarning", "PendingDeprecationWarning")
    for module in ("mail_backend", "urls", "views")
]


@dataclass
class Postroom:
    """A worker and a gateway at one queue; mails are caught by *server*."""

    broker: str
    gateway: str
    server: ScriptedServer
    key: str = field(repr=False)
    folder: Path

    def environment(self, way: str) -> dict[str, str]:
        """What a web application is told; its Python finds the libraries, and nothing of ours."""
        found = {"PATH": os.environ["PATH"], "PYTHONPATH": djangos.own()[1].libraries}
        if way == "by_name":
            return {**found, "POSTROOM_BROKER_URL": self.broker}
        key_file = self.folder / "key"
        key_file.write_text(self.key)
        return {
            **found,
            "POSTROOM_GATEWAY_URL": self.gateway,
            "POSTROOM_API_KEY": self.key,
            "POSTROOM_API_KEY_FILE": str(key_file),
        }

    def mails_to(self, address: str) -> list[EmailMessage]:
        """Return what was caught for *address*, parsed."""
        caught = [mail.content for mail in self.server.mails if address in mail.recipients]
        return [email.message_from_bytes(content, policy=default) for content in caught]  # type: ignore[arg-type]


@contextmanager
def _started(arguments: list[str], folder: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / f"{arguments[0]}.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 (our own modules)
            [sys.executable, "-m", *arguments],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answers(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until something answers at *url*."""
    last_moment = time.monotonic() + 40.0
    while True:
        try:
            httpx.get(url)
        except httpx.TransportError:
            assert process.poll() is None, "it has ended"
            assert time.monotonic() < last_moment, "it does not answer"
            time.sleep(0.05)
        else:
            return


@pytest.fixture(scope="session")
def postroom(
    valkey: str, tmp_path_factory: pytest.TempPathFactory, free_port_number: Callable[[], int]
) -> Iterator[Postroom]:
    folder = tmp_path_factory.mktemp("postroom")
    broker = valkey.removesuffix("/0") + "/8"
    with redis.Redis.from_url(broker) as client:
        client.flushdb()
    keys = KeyFile(folder / "keys.json")
    _, token = keys.create(name="shop", rate=10_000.0, burst=10_000)
    port = free_port_number()
    with ScriptedServer() as server, ExitStack() as stack:
        settings = {
            "POSTROOM_BROKER_URL": broker,
            "POSTROOM_ACCOUNTS__default__HOST": server.host,
            "POSTROOM_ACCOUNTS__default__PORT": str(server.port),
            "POSTROOM_ACCOUNTS__default__SECURITY": "null",
            "POSTROOM_ACCOUNTS__default__SENDER": "desk@example.org",
            "POSTROOM_CONCURRENCY": "2",
            # What comes over HTTP is sealed, what comes by name is not, and the worker takes both.
            "POSTROOM_SEALING_KEYS": generate_key(),
            "POSTROOM_WEB_PORT": str(port),
            "POSTROOM_WEB_KEYS_FILE": str(keys.path),
        }
        worker = ["celery", "-A", "worker.app", "worker", "--without-gossip", "--without-mingle"]
        stack.enter_context(_started(worker, folder, **settings))
        gateway = stack.enter_context(_started(["producers.cli.main", "web"], folder, **settings))
        url = f"http://{LOOPBACK}:{port}"
        answers(f"{url}/healthz", gateway)
        yield Postroom(broker, url, server, str(token), folder)


@pytest.fixture(scope="session")
def free_port_number() -> Callable[[], int]:
    import socket  # noqa: PLC0415 (one use)

    def port() -> int:
        with socket.socket() as probe:
            probe.bind((LOOPBACK, 0))
            return int(probe.getsockname()[1])

    return port


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    """How the application hands its mails in."""
    return str(request.param)


@dataclass
class App:
    """A copied example."""

    folder: Path
    environment: dict[str, str]
    executable: str = sys.executable

    def runs_with(self, runtime: djangos.Runtime) -> None:
        """Have it run with another Python and its libraries."""
        self.executable = runtime.python
        self.environment["PYTHONPATH"] = runtime.libraries

    def python(self, *arguments: str, **more: str) -> str:
        """Run Python in the application's folder, where nothing of ours can be imported."""
        done = subprocess.run(  # noqa: S603 (our own lines)
            # -S leaves out what makes an installed Postroom importable.
            [self.executable, "-S", *WARNINGS, *arguments],
            cwd=self.folder,
            env={**self.environment, **more},
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def app_of(postroom: Postroom, tmp_path: Path) -> Callable[[str, str], App]:
    """Copies an example into a folder of its own."""

    def copy(name: str, way: str) -> App:
        folder = tmp_path / name
        shutil.copytree(ROOT / "examples" / name, folder, ignore=shutil.ignore_patterns("__pycache__"))
        return App(folder, postroom.environment(way))

    return copy


@pytest.fixture
def serve(free_port_number: Callable[[], int], tmp_path: Path) -> Iterator[Callable[..., httpx.Client]]:
    """Serves an application with a command that gets the port as its last word; returns a client of it."""
    with ExitStack() as stack:

        def start(app: App, *arguments: str) -> httpx.Client:
            port = free_port_number()
            log = stack.enter_context((tmp_path / "app.log").open("wb"))
            process = subprocess.Popen(  # noqa: S603 (our own lines)
                [app.executable, "-S", *arguments, str(port)],
                cwd=app.folder,
                env=app.environment,
                stdout=log,
                stderr=log,
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            url = f"http://{LOOPBACK}:{port}"
            answers(url, process)
            return stack.enter_context(httpx.Client(base_url=url, timeout=40.0))

        yield start


@pytest.fixture
def needs() -> Callable[[str], str]:
    """Returns the path of a program; without it a test skips, and fails in CI."""

    def find(program: str) -> str:
        path: Any = shutil.which(program)
        if not path:
            if os.environ.get("CI"):
                pytest.fail(f"there is no {program}")
            pytest.skip(f"there is no {program}")
        return str(path)

    return find
