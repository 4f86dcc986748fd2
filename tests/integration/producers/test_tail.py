"""`postroom tail` as it runs: a process that follows a real server until Ctrl-C."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from producers.changes import CannotFollow, Changes
from producers.client import Mailer
from producers.errors import QueueUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.servers.gateway import Running
    from tests.servers.redis_server import RedisServer

ROOT = Path(__file__).parents[3]
MAIL: dict[str, Any] = {"to": "canary@example.org", "subject": "canary", "body": "canary"}


class Tailing:
    """A running tail, and the lines that it printed."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._lines: queue.Queue[str] = queue.Queue()
        streams = (process.stdout, process.stderr)
        self._threads = [threading.Thread(target=self._read, args=(s,), daemon=True) for s in streams]
        for thread in self._threads:
            thread.start()

    def _read(self, stream: Any) -> None:
        for line in stream:
            self._lines.put(line)

    def line(self) -> str:
        return self._lines.get(timeout=20)

    def rest(self) -> str:
        """What else it printed, once it has ended."""
        for thread in self._threads:
            thread.join(10)
        return "".join(self._lines.queue)

    def mail(self) -> tuple[str, str]:
        found = json.loads(self.line())
        return found["mail_id"], found["state"]


@contextmanager
def tailing(url: str, *arguments: str) -> Iterator[Tailing]:
    where = "--url" if url.startswith("http") else "--broker"
    line = [sys.executable, "-m", "producers.cli.main", "tail", where, url, *arguments]
    with subprocess.Popen(  # noqa: S603 (our own line)
        line,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Tailing(process)
        finally:
            process.kill()


def _enqueued_alone(mailer: Mailer) -> str:
    """Enqueue a mail in a millisecond of its own: those of one are in no order."""
    time.sleep(0.002)
    return mailer.enqueue(MAIL)


def test_what_happens_is_told_as_it_happens_until_ctrl_c(valkey_url: str) -> None:
    with Mailer(valkey_url) as mailer:
        before = [_enqueued_alone(mailer) for _ in range(3)]
        with tailing(valkey_url, "--last", "2", "--json") as tail:
            found = [tail.mail(), tail.mail()]
            mail_id = mailer.enqueue(MAIL, lane="reset")
            found.append(tail.mail())
            mailer.cancel(mail_id)
            cancelled = tail.line()
            tail.process.send_signal(signal.SIGINT)

            assert tail.process.wait(10) == 0

    assert found == [(before[1], "queued"), (before[2], "queued"), (mail_id, "queued")]
    document = json.loads(cancelled)
    assert (document["mail_id"], document["lane"], document["code"]) == (mail_id, "reset", 650)
    assert document["recipients"] == ["c***@example.org"]
    assert "canary" not in cancelled


def test_people_get_a_line_of_what_they_chose(valkey_url: str) -> None:
    with Mailer(valkey_url) as mailer, tailing(valkey_url, "--state", "cancelled") as tail:
        mail_id = mailer.enqueue(MAIL)
        mailer.cancel(mail_id)
        line = tail.line()

    assert line.split("  ")[1:5] == [mail_id, "default", "cancelled", "650"]
    assert "c***@example.org" in line


def test_it_goes_on_when_the_queue_comes_back(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis()
    with Mailer(server.url) as mailer:
        mailer.enqueue(MAIL)
    with tailing(server.url, "--json", "--last", "1") as tail:
        tail.line()
        server.end()
        away = tail.line()
        server.start()
        again = tail.line()
        with Mailer(server.url) as mailer:
            mail_id = mailer.enqueue(MAIL)

        assert "trying again" in away
        assert "following again" in again
        assert tail.mail() == (mail_id, "queued")


def test_a_reader_who_has_seen_enough_ends_it_quietly(valkey_url: str) -> None:
    with Mailer(valkey_url) as mailer:
        mailer.enqueue_many([MAIL] * 50)
        read, write = os.pipe()
        os.close(read)
        run = subprocess.run(  # noqa: S603 (our own line)
            [sys.executable, "-m", "producers.cli.main", "tail", "--no-follow", "--broker", valkey_url],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=write,
            stderr=subprocess.PIPE,
            check=False,
        )
        os.close(write)

    assert (run.returncode, run.stderr) == (0, b"")


def test_a_server_that_may_not_tell_of_changes_is_explained(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis()
    with server.client() as client:
        client.execute_command("ACL", "SETUSER", "default", "-client|tracking")
    with pytest.raises(CannotFollow, match="CLIENT TRACKING"), Changes(server.url):
        pass


def test_a_connection_that_redis_closed_is_noticed(valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("producers.changes._SURE_FOR", 0.0)
    with Changes(valkey_url) as changes, Mailer(valkey_url) as mailer:
        mail_id = mailer.enqueue(MAIL)
        assert changes.next(5.0) == [mail_id]
        client: Any = mailer.post
        redis = client.outbox._redis  # noqa: SLF001 (a connection to the same server)
        redis.client_kill_filter(_id=changes._tracker_id)  # noqa: SLF001 (whose end is the point)
        with pytest.raises(QueueUnavailable):
            changes.next(5.0)


def test_through_a_gateway_a_keys_own_mails_are_told_of(
    gateway: Running, queue_url: str, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text(gateway.key)
    line = (gateway.url, "--key-file", str(tmp_path / "key"), "--json")
    with Mailer(gateway.url, key=gateway.key) as mailer, Mailer(queue_url) as stranger:
        before = mailer.enqueue(MAIL)
        with tailing(*line) as tail:
            found = [tail.mail()]
            stranger.enqueue(MAIL)
            mail_id = mailer.enqueue(MAIL, lane="reset")
            found.append(tail.mail())
            mailer.cancel(mail_id)
            cancelled = json.loads(tail.line())
            while tail.process.poll() is None:
                tail.process.send_signal(signal.SIGINT)
                time.sleep(0.01)

    assert (tail.process.returncode, tail.rest()) == (0, "")

    assert found == [(before, "queued"), (mail_id, "queued")]
    assert (cancelled["mail_id"], cancelled["code"]) == (mail_id, 650)
    assert cancelled["recipients"] == ["c***@example.org"]


def test_a_gateway_that_is_away_is_waited_for(
    start_gateway: Callable[..., Running], valkey_url: str, tmp_path: Path
) -> None:
    gateway = start_gateway(valkey_url)
    (tmp_path / "key").write_text(gateway.key)
    with tailing(gateway.url, "--key-file", str(tmp_path / "key")) as tail:
        with Mailer(gateway.url, key=gateway.key) as mailer:
            mailer.enqueue(MAIL)
        tail.line()
        gateway.process.kill()

        assert "trying again" in tail.line()
