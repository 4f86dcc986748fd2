"""A Redis or Valkey of a test's own: killed, frozen, restarted, filled, and never left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Any, Final, Self

import redis

from worker.broker import LOOPBACK, BrokerUnavailable, command, wait_until_ready

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_LONGEST_START: Final = 20.0


def free_port() -> int:
    """Return a port of loopback's that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


class RedisServer:
    """
    The embedded broker's own command line, so append-only and synced once a second, on a port that it keeps.

    *options* are added to the line, as "--appendfsync", "always"; *environment* to that of the process;
    *program* is another server than the embedded broker would take.
    """

    def __init__(
        self,
        folder: Path,
        *options: str,
        environment: Mapping[str, str] | None = None,
        program: str | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = free_port()
        self.url = f"redis://{LOOPBACK}:{self.port}/0"
        self._options = options
        self._program = program
        self.environment = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, tries: int = 5) -> None:
        """Start it, and return when it has loaded its files and answers."""
        self.launch()
        try:
            wait_until_ready(self.port, seconds=_LONGEST_START)
        except BrokerUnavailable:
            if tries == 1 or self.is_running:
                raise
            # While it was down somebody's outgoing connection may have had its port for a moment.
            self.start(tries=tries - 1)

    def launch(self) -> None:
        """Start it without waiting for it."""
        line = [*command(self.port, self.folder), *self._options]
        with (self.folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 (our own line)
                [self._program or line[0], *line[1:]],
                env={**os.environ, **self.environment},
                stdout=log,
                stderr=log,
            )

    @property
    def is_running(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.poll() is None

    def end(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End it by a signal, and return when it is gone."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(_LONGEST_START)

    def restart(self, number: signal.Signals = signal.SIGKILL, *, away: float = 0.0) -> float:
        """End it by a signal and start it *away* seconds later; return when it began to answer again."""
        self.end(number)
        time.sleep(away)
        self.start()
        return time.monotonic()

    def freeze(self) -> None:
        """Stop it where it is: connections stand, and nothing is answered."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen one go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def client(self, **options: Any) -> redis.Redis:
        """Return a client for the test itself."""
        return redis.Redis.from_url(self.url, **options)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.thaw()
        self.end()
