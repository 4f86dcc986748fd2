"""A RabbitMQ node of a test's own, with folders and ports of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from kombu import Connection

from tests.servers.redis_server import free_port
from worker.broker import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST_START: Final = 60.0


def _program() -> Path | None:
    """Return the script that runs a node as whoever calls it: Debian's own in PATH insists on its user."""
    installed = sorted(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin/rabbitmq-server"))
    found = installed[-1] if installed else shutil.which("rabbitmq-server")
    return Path(found) if found else None


def is_installed() -> bool:
    """Whether there is a RabbitMQ to be started here."""
    return _program() is not None and shutil.which("epmd") is not None


class RabbitNode:
    """One node with the user `guest` that every node has at first; it keeps its port and its files."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.port, self._distribution, self._epmd_port = free_port(), free_port(), free_port()
        self.url = f"amqp://guest:guest@{LOOPBACK}:{self.port}//"
        self._epmd: subprocess.Popen[bytes] | None = None
        self._node: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and return when it takes connections."""
        with (self._folder / "node.log").open("ab") as log:
            self._node = subprocess.Popen(  # noqa: S603 (our own line)
                [str(_program())], env=self._environment(), stdout=log, stderr=log, start_new_session=True
            )
        last_moment = time.monotonic() + _LONGEST_START
        while not self._answers():
            assert self._node.poll() is None, f"RabbitMQ ended: {self._log()}"
            assert time.monotonic() < last_moment, f"RabbitMQ did not answer: {self._log()}"
            time.sleep(0.2)

    def kill(self) -> None:
        """Kill it at once, as the machine's death would."""
        self._end([self._node])

    def freeze(self) -> None:
        """Have it hang: the kernel goes on taking what is sent to it, as long as there is room."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Have it go on."""
        self._signal(signal.SIGCONT)

    def restart(self) -> float:
        """Kill it and start it again; return when it began to answer again."""
        self.kill()
        self.start()
        return time.monotonic()

    def connection(self) -> Connection:
        """Return a connection for the test itself."""
        return Connection(self.url, connect_timeout=2.0)

    def __enter__(self) -> Self:
        line = ["epmd", "-address", LOOPBACK, "-port", str(self._epmd_port)]
        # Its own, since one that Erlang starts stays behind.
        self._epmd = subprocess.Popen(line, start_new_session=True, stderr=subprocess.DEVNULL)  # noqa: S603
        try:
            self._wait_for_epmd()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end([self._node, self._epmd])

    def _signal(self, number: signal.Signals) -> None:
        assert self._node is not None
        os.killpg(self._node.pid, number)

    def _end(self, processes: Iterable[subprocess.Popen[bytes] | None]) -> None:
        for process in processes:
            if process is not None and process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _wait_for_epmd(self) -> None:
        """Wait until it listens: no node starts without it."""
        last_moment = time.monotonic() + _LONGEST_START
        while True:
            with suppress(OSError), socket.create_connection((LOOPBACK, self._epmd_port), 1.0):
                return
            assert time.monotonic() < last_moment, "epmd did not answer"
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            with self.connection() as connection:
                connection.connect()
        except OSError:
            return False
        return True

    def _log(self) -> str:
        return (self._folder / "node.log").read_text(errors="replace")[-2000:]

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        configuration = self._folder / "rabbitmq.conf"
        configuration.write_text(
            f"listeners.tcp.local = {LOOPBACK}:{self.port}\nvm_memory_high_watermark.absolute = 512MB\n"
        )
        return kept | {
            "HOME": str(self._folder),
            "ERL_EPMD_PORT": str(self._epmd_port),
            # A node that was frozen would start one more, which stays behind.
            "ERL_FLAGS": "-start_epmd false",
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "RABBITMQ_NODENAME": "postroom@localhost",
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_BASE": str(self._folder),
            "RABBITMQ_MNESIA_BASE": str(self._folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self._folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(configuration),
            "RABBITMQ_CONF_ENV_FILE": str(self._folder / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._folder / "enabled_plugins"),
            "RABBITMQ_PID_FILE": str(self._folder / "pid"),
            # Idle schedulers spin otherwise, on a machine that has other things to do.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none",
        }
