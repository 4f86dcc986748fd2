"""The commands of a page of docs/howto, run as they stand there, in order."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from pathlib import Path
from typing import TYPE_CHECKING

import redis

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.testing.server import ScriptedServer

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^```(?:sh|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SETTING = re.compile(r"^([A-Z][A-Za-z_]+)=(.*)$")


@dataclass
class HowTo:
    """
    A page, and the folder in which a reader would follow it.

    Blocks of settings go into `.env`; others are run by a shell, and what they export holds for those behind
    them. *instead* says what stands for the addresses and names that the page uses.
    """

    page: str
    folder: Path
    instead: Mapping[str, str]
    environment: dict[str, str] = field(default_factory=dict)
    shells: list[subprocess.Popen[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in ("worker", "tasks", "producers", "examples"):
            (self.folder / name).symlink_to(ROOT / name)
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("POSTROOM", "CELERY"))
        }
        path = f"{Path(sys.executable).parent}:{kept['PATH']}"
        self.environment = {**kept, "PATH": path, "PYTHONUNBUFFERED": "1", **self.environment}

    def blocks(self) -> list[str]:
        """Return the page's blocks of commands and settings, with *instead* put in."""
        text = (ROOT / "docs" / "howto" / self.page).read_text()
        found = [block.replace("\n$ ", "\n").removeprefix("$ ") for block in _FENCE.findall(text)]
        for name, value in self.instead.items():
            found = [block.replace(name, value) for block in found]
        return found

    def run(self, block: str) -> str:
        """Run a block, or take its settings, and return what it printed."""
        lines = [line for line in block.splitlines() if line.strip()]
        if all(map(_SETTING.match, lines)):
            with (self.folder / ".env").open("a") as file:
                file.write(block)
            return ""
        log = self.folder / f"block.{len(self.shells)}"
        exported = self.folder / "exported"
        script = f"set -eu\n{block}\nenv -0 > {exported}\n"
        with log.open("w") as output:
            shell = subprocess.Popen(  # noqa: S603 (our own page)
                ["/bin/sh", "-c", script],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        self.shells.append(shell)
        code = shell.wait(100)
        assert code == 0, f"{block}\nended with {code}:\n{log.read_text()}"
        pairs = [pair.partition("=") for pair in exported.read_text().split("\0") if pair]
        self.environment = {name: value for name, _, value in pairs}
        return log.read_text()

    def output(self) -> str:
        """Return everything that was printed so far, also by what runs in the background."""
        return "".join((self.folder / f"block.{n}").read_text() for n in range(len(self.shells)))

    def wait_for(self, text: str, seconds: float = 40.0) -> None:
        """Return when *text* was printed; fail with everything that was when it is not."""
        last_moment = time.monotonic() + seconds
        while text not in self.output():
            assert time.monotonic() < last_moment, f"{text!r} was not printed:\n{self.output()}"
            time.sleep(0.05)

    def close(self) -> None:
        """End what was started in the background."""
        for shell in self.shells:
            with suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGTERM)
        time.sleep(0.2)
        for shell in self.shells:
            with suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGKILL)


def postroom_settings(valkey: str, server: ScriptedServer, *, database: int) -> dict[str, str]:
    """Return what a reader has set up before: an empty database, and an account at *server*."""
    broker = f"{valkey.removesuffix('/0')}/{database}"
    with redis.Redis.from_url(broker) as client:
        client.flushdb()
    settings = {
        "BROKER_URL": broker,
        "ACCOUNTS__default__HOST": server.host,
        "ACCOUNTS__default__PORT": str(server.port),
        "ACCOUNTS__default__SECURITY": "none",
        "ACCOUNTS__default__SENDER": "shop@example.com",
        "CONCURRENCY": "1",
    }
    return {f"POSTROOM_{name}": value for name, value in settings.items()}


def link_in(mail: bytes) -> str:
    """Return the link of a mail, as a reader of its plain text finds it."""
    part = message_from_bytes(mail, policy=policy.default).get_body(("plain",))
    assert part
    found = re.search(r"https?://\S+", part.get_content())
    assert found
    return found[0]
