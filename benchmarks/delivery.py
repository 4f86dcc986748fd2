"""
What a mail costs the thread of a worker that carries it: to be taken up, and to be sent.

Run it with `python -m benchmarks.delivery`. The delivery service is the product's, with a sealed journal on
a Redis of its own, and speaks to Postfix's smtp-sink (or a sink of ours) over real sockets; what it costs to
get a message from the broker is no part of it. The figures are processor time of the one thread, kernel
included, in microseconds a mail. Of all turns the lower quartile is shown: whatever else the machine does
only adds to it. The journal's share is what the same steps cost there without a mail around them.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
from pathlib import Path
from statistics import quantiles
from time import thread_time
from typing import TYPE_CHECKING, Final

from pydantic import SecretStr
from redis import Redis

from benchmarks.harness.servers import redis_server, sink
from benchmarks.peers.mails import mail
from tasks.contract.status import MailState
from tasks.contract.validation import parse
from tasks.delivery.accounts import Account, Accounts
from tasks.delivery.delivery import DeliveryService
from tasks.delivery.job import Job, Settled
from tasks.delivery.preparation import Preparation
from tasks.delivery.routing import Router
from tasks.delivery.sealing import SealPolicy
from tasks.journal.control import Control
from tasks.journal.copies import ResultCopies
from tasks.journal.entries import Entry
from tasks.journal.journal import Journal
from tasks.journal.leases import LeaseKeeper
from tasks.journal.link import Link
from tasks.journal.records import Claim
from tasks.journal.sealing import Seal, generate_key
from tasks.journal.settlement import Settlement
from tasks.message.attachments import AttachmentPolicy
from tasks.smtp.transport import SmtpTransport
from worker.memory import collect_seldom

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.contract.result import SendEmailResult
    from tasks.delivery.job import Verdict

_COPIES: Final = ResultCopies("celery-task-meta-", 86_400)
_COVERED: Final = '[["doubtful", 690, "", null]]'

#: How many mails a turn has: one, a few, and as many as a turn takes.
_TURNS: Final = (1, 8, 50)


class Bench:
    """A delivery service, and mails for it."""

    def __init__(self, redis: Redis, port: int) -> None:
        seal = Seal([SecretStr(generate_key())])
        account = Account(
            name="default", host="127.0.0.1", port=port, security=None, sender="shop@example.com"
        )
        router, sealing = Router(Accounts([account])), SealPolicy(seal, is_required=True)
        self._seal, self._journal = seal, Journal(redis, link=Link(redis), copies=_COPIES)
        self._transport = SmtpTransport()
        self._service = DeliveryService(
            journal=self._journal,
            control=Control(redis, seal=seal),
            leases=LeaseKeeper(self._journal),
            preparation=Preparation(router, AttachmentPolicy(), lambda _: None, sealing=sealing),
            transport=self._transport,
        )
        self._numbers = itertools.count()

    def jobs(self, count: int) -> list[Job]:
        """Take mails in, and return them as their messages bring them; that is the producer's work."""
        numbers = itertools.islice(self._numbers, count)
        run = {f"3d1f8a52-7a0c-4b5e-9f0e-{number:012d}": parse(mail(number)) for number in numbers}
        entries = Entry.of_run(run, "default", seal=self._seal)
        self._journal.accept(entries)
        return [Job(entry.mail_id, "default", json.loads(entry.payload)) for entry in entries]

    def deliver(self, jobs: Sequence[Job]) -> tuple[float, float, SendEmailResult]:
        """Deliver mails in one turn; return the seconds of taking up and of sending, and a result."""
        verdicts: list[Verdict] = []

        def report(_: Job, verdict: Verdict) -> None:
            verdicts.append(verdict)

        began = thread_time()
        mails = self._service.take_up(jobs, report)
        taken_up = thread_time()
        self._service.attempt(mails, report)
        sent = thread_time()
        results = [verdict.result for verdict in verdicts if isinstance(verdict, Settled)]
        if len(results) != len(jobs) or not all(result.success for result in results):
            raise RuntimeError("a mail was not delivered")
        return taken_up - began, sent - taken_up, results[0]

    def record(self, jobs: Sequence[Job], result: SendEmailResult) -> float:
        """Do what the journal does while mails are delivered, with *result* for each; return the seconds."""
        began = thread_time()
        claims = [c for c in self._journal.begin([job.mail_id for job in jobs]) if isinstance(c, Claim)]
        before: list[Settlement] = []
        for claim in claims:
            self._journal.finish_and_mark(before, [claim], [_COVERED])
            before = [Settlement.of(claim, MailState.SENT, result)]
        self._journal.finish(before)
        return thread_time() - began

    def close(self) -> None:
        """Take leave of the mail server."""
        self._transport.close()


def _run(bench: Bench, turn: int) -> tuple[float, float, float]:
    """Return the microseconds a mail in one turn: taking up, sending, and the journal's share of both."""
    taking_up, sending, result = bench.deliver(bench.jobs(turn))
    journal = bench.record(bench.jobs(turn), result)
    return taking_up * 1e6 / turn, sending * 1e6 / turn, journal * 1e6 / turn


def _measure(bench: Bench, *, mails: int) -> None:
    print(f"{'a mail of 1 KB, us':20}{'taken up':>10}{'sent':>10}{'both':>10}{'journal':>10}{'without':>10}")
    for turn in _TURNS:
        runs = [_run(bench, turn) for _ in range(max(8, mails // turn))]
        taking_up, sending, journal = (quantiles(each, n=4)[0] for each in zip(*runs, strict=True))
        both = taking_up + sending
        figures = (taking_up, sending, both, journal, both - journal)
        print(f"{f'{turn} in a turn':20}" + "".join(f"{figure:10.1f}" for figure in figures))


def main() -> int:
    """Print what a mail costs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().partition("\n")[0])
    parser.add_argument("--mails", type=int, default=2000, help="mails of each length of turn (default 2000)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with redis_server(folder) as queue, sink(folder) as server, Redis.from_url(queue.url) as redis:
            bench = Bench(redis, server.port)
            _run(bench, 50)
            # As a worker does.
            collect_seldom()
            _measure(bench, mails=options.mails)
            bench.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
