"""What may befall a post office at any moment, by a seed that says what and when."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from producers.client import Mailer
from producers.errors import QueueUnavailable
from tests.acceptance import processes
from tests.acceptance.post_office import DOMAIN

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.acceptance.post_office import PostOffice, Worker
    from tests.servers.redis_server import RedisServer

#: Seconds for which something is frozen, at most: longer than a lease in a hurry.
_FROZEN = 8.0
#: Seconds between two disturbances, at most.
_PEACE = 2.5


class Disturbances:
    """
    Kills, freezes and stops processes of *office*'s workers and its *redis*, one after the other.

    There are always two supervisors with two processes each: whoever is gone is replaced.
    """

    def __init__(self, office: PostOffice, redis: RedisServer, seed: int) -> None:
        self._office, self._redis = office, redis
        self._random = random.Random(seed)  # noqa: S311 (a seed that says all)
        self._frozen: list[tuple[float, int]] = []
        self._workers = [self._open(), self._open()]

    def go_on(self, seconds: float) -> None:
        """Disturb for so long; then all that is frozen is thawed, and both workers are there."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with suppress(ProcessLookupError):
                self._random.choice(self._all)(self._random.choice(self._workers))
            self._rest(time.monotonic() + self._random.uniform(0, _PEACE))
        while self._frozen:
            self._rest(max(moment for moment, _ in self._frozen))

    @property
    def _all(self) -> list[Callable[[Worker], object]]:
        of_senders = [self._kill_sender, self._kill_sender, self._freeze_sender, self._stop_sender]
        return [*of_senders, self._kill, self._stop, self._restart_redis, self._freeze_redis]

    def _kill_sender(self, worker: Worker) -> None:
        os.kill(self._sender_of(worker), signal.SIGKILL)

    def _stop_sender(self, worker: Worker) -> None:
        os.kill(self._sender_of(worker), signal.SIGTERM)

    def _freeze_sender(self, worker: Worker) -> None:
        pid = self._sender_of(worker)
        os.kill(pid, signal.SIGSTOP)
        self._frozen.append((time.monotonic() + self._random.uniform(0, _FROZEN), pid))

    def _kill(self, worker: Worker) -> None:
        worker.kill()

    def _stop(self, worker: Worker) -> None:
        worker.process.terminate()

    def _restart_redis(self, _: Worker) -> None:
        self._redis.restart(away=self._random.uniform(0, 2))

    def _freeze_redis(self, _: Worker) -> None:
        self._redis.freeze()
        self._rest(time.monotonic() + self._random.uniform(0, _FROZEN))
        self._redis.thaw()

    def _sender_of(self, worker: Worker) -> int:
        senders = [] if worker.is_dead() else processes.children(worker.process.pid)
        if not senders:
            raise ProcessLookupError
        return self._random.choice(senders)

    def _rest(self, until: float) -> None:
        """Let nothing happen for a while but what was frozen long enough thaw, and the dead be replaced."""
        self._look_after()
        while time.monotonic() < until:
            time.sleep(0.05)
            self._look_after()

    def _look_after(self) -> None:
        now = time.monotonic()
        for _, pid in [due for due in self._frozen if due[0] <= now]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        self._frozen = [due for due in self._frozen if due[0] > now]
        self._workers = [self._open() if worker.is_dead() else worker for worker in self._workers]

    def _open(self) -> Worker:
        return self._office.open(supervised=True, POSTROOM_PROCESSES="2", POSTROOM_CONCURRENCY="8")


class Producer:
    """
    Hands in mails by itself, some or many at a time, and again under the same keys where the queue was away.

    *numbers* has the number of each mail that was accepted: its recipients are the addresses of `to`.
    """

    def __init__(self, office: PostOffice, seed: int) -> None:
        self.numbers: dict[str, int] = {}
        self._mailer = Mailer(office.broker, sealing_keys=[office.key])
        self._random = random.Random(seed)  # noqa: S311 (a seed that says all)
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    @staticmethod
    def to(number: int) -> list[str]:
        """Return the recipients of a mail."""
        return [f"canarylocal.{number}.{one}@{DOMAIN}" for one in "ab"]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        self._mailer.close()

    def _run(self) -> None:
        first = 0
        while not self._is_over.wait(self._random.uniform(0, 0.15)):
            run = range(first, first + self._random.choice([1, 1, 5, 40, 150]))
            self._hand_in(run, self._random.choice(["reset", "default", "bulk"]))
            first = run.stop

    def _hand_in(self, run: range, lane: str) -> None:
        mails = [
            {
                "to": self.to(number),
                "subject": "canarysubject",
                "body": "canarybody",
                "idempotency_key": f"mail-{number}",
            }
            for number in run
        ]
        while True:
            try:
                ids = self._mailer.enqueue_many(mails, lane=lane).ids
            except QueueUnavailable:
                time.sleep(0.1)
                continue
            self.numbers.update(zip(map(str, ids), run, strict=True))
            return
