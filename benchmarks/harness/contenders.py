"""Who is compared, how their workers are started, and how their results are read."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from benchmarks.harness.scratch import NODE_PROGRAMS, PYTHON, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import redis

#: Connections to the server that a contender may hold where they are compared over a distance.
CONNECTIONS: Final = 16

_CELERY: Final = [str(PYTHON), "-m", "celery"]
_PREFORK: Final = ["--concurrency", "2", "--loglevel", "WARNING", "--without-gossip", "--without-mingle"]
#: A key that is good for nothing else.
_KEY: Final = "cG9zdHJvb20gYmVuY2htYXJrIGtleSwgbm8gc2VjcmU="


def _exist(client: redis.Redis, keys: list[str]) -> bool:
    return bool(client.exists(*keys) == len(keys))


def _celery_result(client: redis.Redis, key: str) -> bool:
    meta: Any = json.loads(client.get(key) or b"{}")
    result = meta.get("result")
    is_said = not isinstance(result, dict) or (result["success"] and result["code"] == 250)  # noqa: PLR2004
    return bool(meta.get("status") == "SUCCESS" and is_said)


@dataclass(frozen=True)
class Contender:
    """
    A way to send mails through a queue.

    *workers* are command lines; *enqueue* is another, to which the way of enqueueing and the number of mails
    are added. *warm* mails are sent before anything is measured. *is_sent* looks whether the results of some
    keys can be read, *decode* whether a result says that its mail was sent.
    """

    name: str
    workers: tuple[tuple[str, ...], ...]
    enqueue: tuple[str, ...]
    ways: tuple[str, ...]
    folder: Path = ROOT
    warm: int = 200
    #: How many processes with connections of their own each line starts.
    processes: int = 1
    environment: Mapping[str, str] = field(default_factory=dict)
    is_sent: Callable[[redis.Redis, list[str]], bool] = _exist
    decode: Callable[[redis.Redis, str], bool] = _celery_result


def _procfile_worker() -> tuple[str, ...]:
    """Return the command line of the Procfile's worker: what is measured is what is shipped."""
    [line] = re.findall(r"^worker: (.+)$", (ROOT / "Procfile").read_text(), re.MULTILINE)
    return ("sh", "-c", line)


def _bull_result(client: redis.Redis, key: str) -> bool:
    result: Any = json.loads(client.hget(f"bull:mails:{key}", "returnvalue") or b"{}")
    return len(result.get("accepted", ())) == 1


def _bull_is_sent(client: redis.Redis, keys: list[str]) -> bool:
    return None not in client.zmscore("bull:mails:completed", keys)


def _dramatiq_result(client: redis.Redis, key: str) -> bool:
    [stored] = client.lrange(key, 0, 0)
    return bool(json.loads(stored)["success"])


POSTROOM: Final = Contender(
    "Postroom",
    workers=(_procfile_worker(),),
    enqueue=(sys.executable, "-m", "benchmarks.peers.postroom_enqueue"),
    ways=("many", "one", "gathered"),
    processes=2,
    environment={
        # As many as the peers have.
        "POSTROOM_PROCESSES": "2",
        "POSTROOM_SEALING_KEYS": _KEY,
        "POSTROOM_ACCOUNTS__default__HOST": "127.0.0.1",
        "POSTROOM_ACCOUNTS__default__SECURITY": "null",
        "POSTROOM_ACCOUNTS__default__SENDER": "shop@example.com",
        # Redis is on loopback and has no password here, and the worker may run as root.
        "POSTROOM_MODE": "development",
        "POSTROOM_LOG_LEVEL": "WARNING",
    },
)
BULLMQ: Final = Contender(
    "BullMQ + nodemailer",
    workers=(("node", "bullmq_worker.mjs"),) * 2,
    enqueue=("node", "bullmq_enqueue.mjs"),
    ways=("many", "one", "hundred"),
    folder=NODE_PROGRAMS,
    # V8 compiles for ten thousand mails.
    warm=10_000,
    environment={"BENCH_CONNECTIONS": "10"},
    is_sent=_bull_is_sent,
    decode=_bull_result,
)


def _djce(chunk: int) -> Contender:
    return Contender(
        f"django-celery-email, chunk {chunk}",
        workers=((*_CELERY, "-A", "benchmarks.peers.djce", "worker", *_PREFORK),),
        enqueue=(str(PYTHON), "-m", "benchmarks.peers.djce"),
        ways=("many",),
        environment={"BENCH_CHUNK": str(chunk)},
    )


DRAMATIQ: Final = Contender(
    "dramatiq, kept connections",
    workers=((str(PYTHON), "-m", "dramatiq", "benchmarks.peers.dramatiq_mails", "--processes", "2"),),
    enqueue=(str(PYTHON), "-m", "benchmarks.peers.dramatiq_mails"),
    ways=("one",),
    decode=_dramatiq_result,
)
NAIVE: Final = Contender(
    "naive Celery",
    workers=((*_CELERY, "-A", "benchmarks.peers.naive", "worker", *_PREFORK),),
    enqueue=(str(PYTHON), "-m", "benchmarks.peers.naive"),
    ways=("one",),
)

ALL: Final = (POSTROOM, BULLMQ, _djce(100), _djce(10), DRAMATIQ, NAIVE)
