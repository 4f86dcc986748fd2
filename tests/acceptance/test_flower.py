"""Flower as the Procfile starts it: behind the login, looking only."""

from __future__ import annotations

import base64
import socket
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery

from tasks.contract.queue import PUBLISH_OPTIONS
from worker.broker import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOGIN = "ada:correct-horse-battery"
COMMAND = ("celery", "-A", "worker.app", "flower", "--conf=worker/flowerconfig.py")
CANARY = "reset-link-4711"


class Flower:
    """A running Flower and one who asks it."""

    def __init__(self, port: int) -> None:
        self._port = port

    def ask(self, path: str, *, method: str = "GET", login: str | None = None) -> int:
        """Return the status of the answer."""
        return self.read(path, method=method, login=login)[0]

    def read(self, path: str, *, method: str = "GET", login: str | None = None) -> tuple[int, str]:
        """Return the status and the text of the answer."""
        headers = {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"} if login else {}
        connection = HTTPConnection(LOOPBACK, self._port, timeout=10)
        try:
            connection.request(method, path, headers=headers, body="{}" if method == "POST" else None)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def is_up(self) -> bool:
        try:
            return self.ask("/healthcheck") == 200
        except OSError:
            return False


@pytest.fixture
def flower(start: Any, eventually: Any, free_port: Any, valkey_url: str) -> Flower:
    port = free_port()
    start(
        *COMMAND,
        POSTROOM_BROKER_URL=valkey_url,
        FLOWER_BASIC_AUTH=LOGIN,
        FLOWER_PORT=str(port),
        # What an environment that means less well might say; the file wins.
        FLOWER_READ_ONLY="false",
        FLOWER_UNAUTHENTICATED_API="true",
    )
    flower = Flower(port)
    eventually(flower.is_up, "Flower's health check")
    return flower


@pytest.fixture
def stuck_worker(start: Any, valkey_url: str) -> Iterator[str]:
    """The name of a worker whose mail server takes connections and never greets."""
    with socket.create_server((LOOPBACK, 0)) as silent:
        start(
            *("celery", "-A", "worker.app", "worker", "--hostname=w@test", "--concurrency=1"),
            POSTROOM_BROKER_URL=valkey_url,
            POSTROOM_ACCOUNTS__default__HOST=LOOPBACK,
            POSTROOM_ACCOUNTS__default__PORT=str(silent.getsockname()[1]),
            POSTROOM_ACCOUNTS__default__SECURITY="none",
            POSTROOM_ACCOUNTS__default__SENDER="postroom@example.org",
        )
        yield "w@test"


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


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(PUBLISH_OPTIONS, id="our client"),
        pytest.param({}, id="a producer by name"),
    ],
)
def test_flower_shows_that_a_mail_is_under_way_and_nothing_of_what_it_says(
    options: dict[str, Any], flower: Flower, stuck_worker: str, eventually: Any, valkey_url: str
) -> None:
    with Celery("producer", broker=valkey_url, set_as_current=False) as producer:
        mail = producer.send_task(
            "send_email",
            kwargs={"to": f"{CANARY}@example.org", "subject": CANARY, "body": CANARY, "timeout": 20_000},
            queue="default",
            ignore_result=True,
            **options,
        )
    worker = f"/api/workers?refresh=true&workername={stuck_worker}"
    pages = (
        f"/worker/{stuck_worker}",
        "/tasks",
        f"/task/{mail.id}",
        f"/api/task/info/{mail.id}",
        "/api/tasks",
        worker,
    )

    def is_active() -> bool:
        status, text = flower.read(worker, login=LOGIN)
        return status == 200 and mail.id in text

    eventually(is_active, "the mail among the worker's active tasks")
    # Flower hears of tasks by events, which take another way than the worker's answer.
    eventually(lambda: flower.ask(f"/task/{mail.id}", login=LOGIN) == 200, "the mail's own page")
    for page in pages:
        status, text = flower.read(page, login=LOGIN)

        assert status == 200, page
        assert CANARY not in text, page


@pytest.mark.parametrize("login", ["", "admin:admin"], ids=["none", "default"])
def test_flower_does_not_start_without_a_real_login(
    login: str, start: Any, valkey: str, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    process = start(*COMMAND, log=log, POSTROOM_BROKER_URL=valkey, FLOWER_BASIC_AUTH=login)

    assert process.wait(30) == 2
    assert "postroom flower:" in log.read_text()
    assert "Traceback" not in log.read_text()
