"""Everything that the demo runs on: a fresh folder, a broker, a mail catcher and a worker."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from producers.demo.names import LOOPBACK
from producers.demo.processes import Process, ProcessFailed, answers, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from producers.demo.interrupts import Interrupts

#: From whom the demo's mails are.
SENDER: Final = "Postroom <postroom@example.org>"
_READY_WITHIN: Final = 10.0
_GRACE: Final = 4.0
_KEPT_RUNS: Final = 3
_OWN_VARIABLES: Final = ("POSTROOM_", "CELERY_", "FLOWER_")


@dataclass(slots=True)
class Stage:
    """The demo's folder and ports, and the processes in the order in which they are started."""

    folder: Path
    broker_port: int = field(default_factory=free_port)
    mail_port: int = field(default_factory=free_port)

    @property
    def broker_url(self) -> str:
        """Where the demo's queue is."""
        return f"redis://{LOOPBACK}:{self.broker_port}/0"

    @property
    def caught(self) -> Path:
        """Where the mail catcher keeps mails."""
        return self.folder / "mail"

    @property
    def attachments(self) -> Path:
        """Where the worker may take attachments from."""
        return self.folder / "attachments"

    def broker(self) -> Process:
        """Return the embedded broker."""
        return self._process(
            "broker", "worker.broker", "--port", str(self.broker_port), "--data", str(self.folder / "broker")
        )

    def catcher(self) -> Process:
        """Return the mail catcher."""
        return self._process(
            "mail catcher",
            "producers.demo.catcher",
            *("--port", str(self.mail_port), "--folder", str(self.caught)),
        )

    def worker(self) -> Process:
        """Return the worker, as the Procfile starts it."""
        return self._process("worker", "celery", "-A", "worker.app", "worker", "--loglevel=INFO")

    def _process(self, name: str, *module: str) -> Process:
        return Process(
            name,
            [sys.executable, "-m", *module],
            log=self.folder / f"{name.replace(' ', '-')}.log",
            # A folder without .env and postroom.toml, so that only what stands below is set.
            folder=self.folder,
            environment=self._environment(),
        )

    def _environment(self) -> dict[str, str]:
        inherited = {k: v for k, v in os.environ.items() if not k.upper().startswith(_OWN_VARIABLES)}
        account = "POSTROOM_ACCOUNTS__default__"
        return inherited | {
            "PYTHONUNBUFFERED": "1",
            "POSTROOM_BROKER_URL": self.broker_url,
            "POSTROOM_SECRETS_FOLDER": str(self.folder / "no-secrets"),
            "POSTROOM_CONCURRENCY": "2",
            "POSTROOM_ATTACHMENT_ROOTS": str(self.attachments),
            "POSTROOM_LOG_FORMAT": "console",
            f"{account}HOST": LOOPBACK,
            f"{account}PORT": str(self.mail_port),
            f"{account}SECURITY": "none",
            f"{account}SENDER": SENDER,
        }


@contextmanager
def running(stage: Stage, interrupts: Interrupts) -> Iterator[tuple[Process, ...]]:
    """
    Run the processes of *stage* and lend them, the worker last; none is left at the end, whatever happens.

    Broker and mail catcher are ready then; the worker is still starting, and mails may wait for it.

    Raises:
        ProcessFailed: one of them died or was not ready in time.
        KeyboardInterrupt: a stop signal came meanwhile.
    """
    broker, catcher, worker = processes = stage.broker(), stage.catcher(), stage.worker()
    try:
        for process in processes:
            process.start()
            if process is broker:
                broker.wait_for(
                    lambda: answers(stage.broker_port, question=b"PING\r\n", expected=b"+PONG"),
                    seconds=_READY_WITHIN,
                    pause=interrupts.pause,
                )
        catcher.wait_for(
            lambda: answers(stage.mail_port, expected=b"220"), seconds=_READY_WITHIN, pause=interrupts.pause
        )
        yield processes
    finally:
        # The broker last: a worker without one would rather wait for it than stop.
        for process in (worker, catcher, broker):
            process.terminate()
            process.end(grace=_GRACE)


def prepare(parent: Path) -> Stage:
    """
    Make a fresh folder below *parent*, whose oldest runs are removed, and return a stage in it.

    Raises:
        ProcessFailed: something that the demo needs is not installed, or there is nowhere to write.
    """
    if find_spec("aiosmtpd") is None:
        raise ProcessFailed("the demo needs a mail server (aiosmtpd): pip install 'postroom[demo]'")
    try:
        parent.mkdir(parents=True, exist_ok=True)
        _forget_old_runs(parent)
        folder = Path(tempfile.mkdtemp(prefix=f"{datetime.now():%Y-%m-%dT%H-%M-%S}.", dir=parent))  # noqa: DTZ005 - a name for people
        stage = Stage(folder.absolute())
        stage.attachments.mkdir()
    except OSError as error:
        raise ProcessFailed(
            f"cannot write to {parent} ({error.strerror}): choose another place with --folder"
        ) from error
    return stage


def _forget_old_runs(parent: Path) -> None:
    runs = sorted(parent.glob("????-??-??T??-??-??.*"))
    for run in runs[: max(0, len(runs) - _KEPT_RUNS + 1)]:
        shutil.rmtree(run, ignore_errors=True)
