"""What must hold of every mail once a fault is over, whatever it was (the invariants of the fault matrix)."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass
from email import message_from_bytes
from typing import TYPE_CHECKING, Any, Final

from tasks.contract.queue import VISIBILITY_TIMEOUT
from tasks.contract.result import Delivery
from tasks.journal.keys import OPEN
from tests.acceptance.canaries import leaks
from tests.acceptance.post_office import CANARIES

if TYPE_CHECKING:
    from celery import Celery

    from tasks.contract.result import SendEmailResult
    from tests.acceptance.post_office import PostOffice

#: Seconds in which a worker that is well sends a mail, on a machine that has other things to do.
PROMPT: Final = 20.0


@dataclass(frozen=True)
class Findings:
    """What became of the mails that were accepted, and the order in which the server saw their dots."""

    results: dict[str, SendEmailResult]
    open: list[str]
    order: list[str]
    taken: Counter[str]
    told_otherwise: list[str]
    left_behind: list[str]
    leaks: dict[str, set[str]]
    searched: int

    def of(self, delivery: Delivery) -> list[str]:
        """Return the mails that ended so."""
        return [mail_id for mail_id, result in self.results.items() if result.delivery is delivery]

    @property
    def dots(self) -> Counter[str]:
        """How often the server saw the final dot of each mail."""
        return Counter(self.order)

    @property
    def lost(self) -> list[str]:
        """Mails without a result, and mails that were called sent and that the server never took (I1, I2)."""
        return [*self.open, *(mail_id for mail_id in self.of(Delivery.SENT) if not self.taken[mail_id])]

    @property
    def doubled(self) -> list[str]:
        """Mails whose dot the server saw twice; it refused none (I3)."""
        return [mail_id for mail_id, count in self.dots.items() if count > 1]

    @property
    def disowned(self) -> list[str]:
        """Mails that the server took and that were called not sent (I4)."""
        return [mail_id for mail_id in self.of(Delivery.NOT_SENT) if self.taken[mail_id]]

    def hold(self, *, unknown: int = 0) -> None:
        """Fail where an invariant does not hold; *unknown* outcomes may be unknown."""
        assert self.lost == []
        assert self.doubled == []
        assert self.disowned == []
        assert len(self.of(Delivery.UNKNOWN)) <= unknown
        assert self.told_otherwise == [], "Celery's result is another than the journal's"
        assert self.left_behind == []
        assert self.leaks == {}


def examine(office: PostOffice, *, seconds: float = 60.0) -> Findings:
    """
    Let the mails come to their end, find out whether the office is well, close it, and say what was found.

    There must be a worker. A message whose worker was killed lies in `unacked` for a quarter of an hour and
    is then delivered again; that is brought about here, since it must change nothing.
    """
    _await_results(office, seconds)
    _let_time_pass(office)
    _await_acknowledgements(office)
    left_behind = _find_weak(office) + _left_in_redis(office)
    records = office.records()
    results = {mail_id: record.result for mail_id, record in records.items() if record and record.result}
    ids = {office.message_id(mail_id, record): mail_id for mail_id, record in records.items() if record}
    dots = [(ids.get(message_id_of(mail.content), "stranger"), mail) for mail in office.server.dots]
    told_otherwise = _told_otherwise(office, results)
    for worker in office.workers:
        worker.kill()
    places = _places(office)
    return Findings(
        results=results,
        open=[mail_id for mail_id in office.accepted if mail_id not in results],
        order=[mail_id for mail_id, _ in dots],
        taken=Counter(mail_id for mail_id, mail in dots if mail.is_accepted),
        told_otherwise=told_otherwise,
        left_behind=left_behind,
        leaks=leaks(places, CANARIES),
        searched=len(places),
    )


def _await_results(office: PostOffice, seconds: float) -> None:
    last_moment = time.monotonic() + seconds
    while not office.is_idle() and time.monotonic() < last_moment:
        time.sleep(0.1)


def _let_time_pass(office: PostOffice) -> None:
    for tag, _ in office.redis.zscan_iter("unacked_index"):
        # Only where it still stands: the worker may have acknowledged it in this very moment.
        office.redis.zadd("unacked_index", {tag: -VISIBILITY_TIMEOUT}, xx=True, incr=True)


def _await_acknowledgements(office: PostOffice) -> None:
    last_moment = time.monotonic() + PROMPT
    while time.monotonic() < last_moment:
        if _is_drained(office) and not _untold(office):
            return
        time.sleep(0.1)


def _is_drained(office: PostOffice) -> bool:
    """Whether no message waits or is in hand; what is given back is in hand no more and waits again."""
    pipeline = office.redis.pipeline()
    for lane in ("reset", "default", "bulk"):
        pipeline.llen(lane)
    pipeline.hlen("unacked")
    return not any(pipeline.execute())


def _untold(office: PostOffice) -> bool:
    return any(stored is None for stored in office.redis.mget(_result_keys(office.accepted)))


def _result_keys(mail_ids: list[str]) -> list[str]:
    return [f"celery-task-meta-{mail_id}" for mail_id in mail_ids] or ["none"]


def _told_otherwise(office: PostOffice, results: dict[str, SendEmailResult]) -> list[str]:
    stored = office.redis.mget(_result_keys(list(results)))
    told = zip(results.items(), stored, strict=True) if results else ()
    return [
        mail_id
        for (mail_id, result), text in told
        if text is None or json.loads(text)["result"] != json.loads(result.model_dump_json())
    ]


def _left_in_redis(office: PostOffice) -> list[str]:
    found = [key for key in (OPEN, "unacked", "unacked_index") if office.redis.exists(key)]
    mails = [key.decode() for key in office.redis.scan_iter("postroom:mail:*", count=1000)]
    pipeline = office.redis.pipeline(transaction=False)
    for key in mails:
        pipeline.hget(key, "payload")
    return found + [key for key, payload in zip(mails, pipeline.execute(), strict=True) if payload]


def _find_weak(office: PostOffice) -> list[str]:
    """Return the workers that have not all their strength, after one more mail has gone through."""
    [mail_id] = office.enqueue()
    office.wait_until(lambda: office.is_over(mail_id), "one more mail", seconds=PROMPT)
    office.wait_until(lambda: _is_drained(office), "its acknowledgement", seconds=PROMPT)
    last_moment = time.monotonic() + PROMPT
    with office.app() as app:
        # A worker that has only just been started hears no question that is asked before it listens.
        while (weak := _weak_of(office, app)) and time.monotonic() < last_moment:
            time.sleep(0.1)
    return weak


def _weak_of(office: PostOffice, app: Celery) -> list[str]:
    alive = {worker.name: worker.concurrency for worker in office.workers if not worker.is_dead()}
    try:
        stats = app.control.inspect(timeout=2.0, limit=len(alive)).stats() or {}
    except ConnectionError as error:
        # Kept since an earlier test whose broker was restarted; the next question makes a new one.
        return [f"nobody could be asked ({type(error).__name__})"]
    strength = {name.partition("@")[0]: _strength(facts["pool"]) for name, facts in stats.items()}
    return [
        f"{name}: {strength.get(name)} of {full}"
        for name, full in alive.items()
        if strength.get(name) != full
    ]


def _strength(pool: dict[str, Any]) -> int:
    """Return how many mails the worker can send at a time: in threads, or in a process each."""
    return int(pool["senders"]["all"]) if "senders" in pool else len(pool["processes"])


def message_id_of(content: bytes) -> str:
    """Return the Message-ID of a mail as it went out."""
    return str(message_from_bytes(content)["Message-ID"])


def _places(office: PostOffice) -> dict[str, bytes]:
    files = [*(worker.log for worker in office.workers), *office.logbooks.glob("*")]
    logs = {file.name: file.read_bytes() for file in files}
    office.redis.config_set("rdbcompression", "no")
    dumped = [office.redis.dump(key) or b"" for key in office.redis.scan_iter(count=1000)]
    return logs | {"Redis": b"\n".join(dumped)}
