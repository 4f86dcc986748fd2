"""Flower as the Procfile starts it: behind the login, looking only."""

from __future__ import annotations

import base64
import socket
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest

from worker.broker import LOOPBACK

if TYPE_CHECKING:
    from pathlib import Path

LOGIN = "ada:correct-horse-battery"
APP = """
import os
from celery import Celery
app = Celery("postroom", broker=os.environ["BROKER"], backend=os.environ["BROKER"], set_as_current=False)
"""


class Flower:
    """A running Flower and one who asks it."""

    def __init__(self, port: int) -> None:
        self._port = port

    def ask(self, path: str, *, method: str = "GET", login: str | None = None) -> int:
        """Return the status of the answer."""
        headers = {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"} if login else {}
        connection = HTTPConnection(LOOPBACK, self._port, timeout=10)
        try:
            connection.request(method, path, headers=headers, body="{}" if method == "POST" else None)
            return connection.getresponse().status
        finally:
            connection.close()

    def is_up(self) -> bool:
        try:
            return self.ask("/healthcheck") == 200
        except OSError:
            return False


def _command(app: str) -> tuple[str, ...]:
    return ("celery", "-A", app, "flower", "--conf=worker/flowerconfig.py")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("app")
    (folder / "lookout.py").write_text(APP)
    return folder


@pytest.fixture
def flower(start: Any, eventually: Any, valkey: str, folder: Path) -> Flower:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port = probe.getsockname()[1]
    start(
        *_command("lookout"),
        BROKER=valkey,
        PYTHONPATH=f"{folder}:.",
        FLOWER_BASIC_AUTH=LOGIN,
        FLOWER_PORT=str(port),
        # What an environment that means less well might say; the file wins.
        FLOWER_READ_ONLY="false",
        FLOWER_UNAUTHENTICATED_API="true",
    )
    flower = Flower(port)
    eventually(flower.is_up, "Flower's health check")
    return flower


def test_flower_shows_nothing_without_the_login_and_changes_nothing_with_it(flower: Flower) -> None:
    """One Flower answers all of it, because each takes seconds to start."""
    for path in ("/", "/workers", "/tasks", "/broker", "/api/workers", "/api/tasks", "/api/queues/length"):
        assert flower.ask(path) == 401, path
        assert flower.ask(path, login="ada:a-wrong-password") == 401, path

    for path in ("/workers", "/tasks", "/api/tasks"):
        assert flower.ask(path, login=LOGIN) == 200, path

    for path in (
        "/api/task/async-apply/send_email",
        "/api/task/send-task/send_email",
        "/api/task/apply/send_email",
        "/api/task/abort/some-id",
        "/api/task/revoke/some-id",
        "/api/worker/shutdown/some-worker",
        "/api/worker/pool/restart/some-worker",
        "/api/worker/queue/cancel-consumer/some-worker",
    ):
        assert flower.ask(path, method="POST", login=LOGIN) == 403, path
        assert flower.ask(path, method="POST") == 401, path


@pytest.mark.parametrize("login", ["", "admin:admin"], ids=["none", "default"])
def test_flower_does_not_start_without_a_real_login(
    login: str, start: Any, valkey: str, folder: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    process = start(
        *_command("lookout"), log=log, BROKER=valkey, PYTHONPATH=f"{folder}:.", FLOWER_BASIC_AUTH=login
    )

    assert process.wait(30) == 2
    assert "postroom flower:" in log.read_text()
    assert "Traceback" not in log.read_text()
