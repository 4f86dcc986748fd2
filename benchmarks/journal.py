"""
What the journal costs: a mail accepted, and a mail begun, marked and finished, beside a bare round trip.

Run it with `python -m benchmarks.journal`. A Redis of its own, append-only as the product asks for, does
everything in turns. The time of a mail is elapsed time and, steadier on a busy machine, the processor time of
this process and of Redis together; that is what the bars are about.
"""

from __future__ import annotations

import argparse
import itertools
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any, cast

from redis import Redis

from tasks.contract.parameters import SendEmail
from tasks.contract.result import Delivery, RecipientOutcome, RecipientState, SendEmailResult
from tasks.contract.status import MailState
from tasks.journal.entries import Entry
from tasks.journal.journal import Journal
from tasks.journal.link import Link
from tasks.journal.records import Claim
from tasks.journal.settlement import Settlement
from worker.broker import command, wait_until_ready
from worker.memory import collect_seldom

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BODY = "Somebody asked for a new password for your account. Ignore this if it was not you.\n" * 24
_MAIL = SendEmail.model_validate({"to": "ann@example.org", "subject": "Your new password", "body": _BODY})
_RESULT = SendEmailResult(
    success=True,
    code=250,
    message="2.0.0 Ok: queued as 4c6Q0G2fTzz9rxN (1 attempt)",
    delivery=Delivery.SENT,
    retryable=False,
    source="server",
    recipients=(
        RecipientOutcome(address="a…@example.org", state=RecipientState.SENT, code=250, message="Ok"),
    ),
)
#: What a worker notes of a mail that it tries for the first time: nothing but that it does.
_PROGRESS = ""


@dataclass(frozen=True)
class Case:
    """Something to measure: it does so many mails at a time, and each may cost so many microseconds."""

    name: str
    mails: int
    most: float | None


class Bench:
    """A journal on a Redis, and clocks for both of its sides."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._journal = Journal(redis, link=Link(redis))
        self._ids = (f"3d1f8a52-7a0c-4b5e-9f0e-{number:012d}" for number in itertools.count())

    def entries(self, count: int) -> list[Entry]:
        """Return mails to take in; making them is the producer's work and not measured."""
        return [Entry.of(mail_id, "default", _MAIL) for mail_id in itertools.islice(self._ids, count)]

    def bare(self, _: object) -> None:
        """Make one round trip."""
        self._redis.ping()

    def accept(self, entries: list[Entry]) -> None:
        """Take mails in."""
        self._journal.accept(entries)

    def accepted(self, count: int) -> list[str]:
        """Return mails that have been taken in."""
        entries = self.entries(count)
        self._journal.accept(entries)
        return [entry.mail_id for entry in entries]

    def deliver(self, mail_ids: list[str]) -> None:
        """Take mails up, mark and finish them, as a worker does around a session with the mail server."""
        claims = [claim for claim in self._journal.begin(mail_ids) if isinstance(claim, Claim)]
        are_marked = self._journal.mark(claims, [_PROGRESS] * len(claims))
        are_kept = self._journal.finish([Settlement.of(claim, MailState.SENT, _RESULT) for claim in claims])
        if not len(mail_ids) == sum(are_marked) == sum(are_kept):
            raise RuntimeError("a mail was not carried through")

    def measure(self, act: Callable[[Any], None], prepared: list[Any], mails: int) -> tuple[float, float]:
        """Return the microseconds that one mail takes, elapsed and of processor time."""
        server, here, began = self._server_time(), process_time(), perf_counter()
        for each in prepared:
            act(each)
        elapsed, here = perf_counter() - began, process_time() - here
        each_of = 1e6 / (len(prepared) * mails)
        return elapsed * each_of, (here + self._server_time() - server) * each_of

    def _server_time(self) -> float:
        facts = cast("dict[str, float]", self._redis.info("cpu"))
        return facts["used_cpu_user"] + facts["used_cpu_sys"]


_BARE = Case("bare round trip", 1, None)
_ACCEPT = (
    Case("accept one", 1, 200.0),
    Case("accept, 50 at a time", 50, None),
    Case("accept, 500 at a time", 500, None),
)
_DELIVER = (
    Case("begin, mark, finish one", 1, 500.0),
    Case("the same, 50 at a time", 50, 60.0),
    Case("the same, 500 at a time", 500, 60.0),
)


def _round(bench: Bench, mails: int) -> Iterator[tuple[Case, tuple[float, float]]]:
    """Do each case once, with about as many mails each."""
    yield _BARE, bench.measure(bench.bare, [None] * mails, 1)
    for case in _ACCEPT:
        runs = [bench.entries(case.mails) for _ in range(max(1, mails // case.mails))]
        yield case, bench.measure(bench.accept, runs, case.mails)
    for case in _DELIVER:
        ids = [bench.accepted(case.mails) for _ in range(max(1, mails // case.mails))]
        yield case, bench.measure(bench.deliver, ids, case.mails)


def _show(case: Case, taken: list[tuple[float, float]], bare: tuple[float, float]) -> bool:
    elapsed, processor = (median(pair[i] for pair in taken) for i in (0, 1))
    is_met = case.most is None or processor <= case.most
    bar = "" if case.most is None else f"  bar {case.most:g} us{'' if is_met else ', missed'}"
    figures = f"{elapsed:8.1f} us {elapsed / bare[0]:6.2f} x {processor:8.1f} us {processor / bare[1]:6.2f} x"
    print(f"{case.name:26}{figures}{bar}")
    return is_met


def _measure(redis: Redis, *, rounds: int, mails: int) -> bool:
    bench = Bench(redis)
    # As a worker does, too.
    collect_seldom()
    bench.deliver(bench.accepted(50))
    taken: dict[Case, list[tuple[float, float]]] = {}
    for _ in range(rounds):
        for case, times in _round(bench, mails):
            taken.setdefault(case, []).append(times)
        redis.flushdb()
    bare = (median(pair[0] for pair in taken[_BARE]), median(pair[1] for pair in taken[_BARE]))
    print(f"{'a mail of 2 KB':26}{'elapsed':>11} {'bare':>8} {'processor':>11} {'bare':>8}")
    met = [_show(case, times, bare) for case, times in taken.items()]
    return all(met)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> int:
    """Print what a mail costs; 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7, help="rounds, each with every case (default 7)")
    parser.add_argument("--mails", type=int, default=1000, help="mails of a case in a round (default 1000)")
    options = parser.parse_args()
    port = _free_port()
    with tempfile.TemporaryDirectory() as folder:
        line = command(port, Path(folder))
        with subprocess.Popen(line, stdout=subprocess.DEVNULL) as server:
            try:
                wait_until_ready(port)
                with Redis(port=port) as redis:
                    is_met = _measure(redis, rounds=options.rounds, mails=options.mails)
            finally:
                server.terminate()
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
