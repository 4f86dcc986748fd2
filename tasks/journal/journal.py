"""
The crash-safe record of every mail, in Redis or Valkey.

A mail is accepted before it is published, begun under a fence and a short lease, marked just before its
final dot, and finished before its Celery result is stored; so it is neither lost nor sent twice, whatever
dies (docs/reliability.md has the state machine). All clocks are the server's: workers' clocks count nothing.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tasks.journal import calls
from tasks.journal.audit import Audit
from tasks.journal.copies import NO_COPY
from tasks.journal.damage import Damaged, is_damage
from tasks.journal.gathering import Gathering
from tasks.journal.keys import MAIL
from tasks.journal.records import RECORD_FIELDS, Record
from tasks.journal.scripts import Script, run_script

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from redis import Redis

    from tasks.contract.result import SendEmailResult
    from tasks.journal.copies import Copy, ResultCopies
    from tasks.journal.entries import Entry
    from tasks.journal.link import Caller
    from tasks.journal.records import Accepted, Claim, Refusal
    from tasks.journal.scripts import Call
    from tasks.journal.settlement import Settlement

_ACCEPT: Final = Script.named("accept")
_BEGIN: Final = Script.named("begin")
_STEP: Final = Script.named("step")


@dataclass(frozen=True, slots=True)
class JournalOptions:
    """
    Times in seconds, and how often a mail may take its worker down.

    *lease* is how long a mail stays with a worker that gives no sign of life; *retention* how long a
    finished mail's record, result and idempotency key are kept; *patience* how long a published message may
    stay unseen before the sweeper wonders about it.
    """

    lease: float = 15.0
    patience: float = 20.0
    retention: float = 24 * 3600.0
    runs: int = 3


class Journal:
    """
    The record of mails; every method takes a run of them and costs one round trip.

    A worker gives it a *link* of its own, and *copies* where the results of Celery are in the same Redis. All
    methods raise `redis.RedisError` when Redis cannot be reached.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        options: JournalOptions | None = None,
        link: Caller | None = None,
        copies: ResultCopies | None = None,
    ) -> None:
        self._redis = redis
        self._link = link
        self._copies = copies
        self._send_steps = Gathering(self._send)
        self.options = options or JournalOptions()

    @property
    def copies_results(self) -> bool:
        """Whether a result that it takes is in Celery's backend as well."""
        return self._copies is not None

    def accept(self, run: Sequence[Entry], *, messages: Iterable[bytes] = ()) -> list[Accepted]:
        """
        Take mails in, or find the first mail of their idempotency key.

        *messages*, where there are any, is the queue's message for each mail; those of the accepted ones are
        published in the same step, into the list of Redis that is called like the lane. A mail with *notify*
        has its record put into the stream `ENDED` in the step that ends it.
        """
        each = zip(run, itertools.chain(messages, itertools.repeat(b"")), strict=False)
        shared = calls.accepting()
        answers = self._run(_ACCEPT, [calls.accept(entry, message) for entry, message in each], shared)
        return calls.accepted(answers)

    def begin(self, mail_ids: Sequence[str], *, in_company: bool = False) -> list[Claim | Refusal]:
        """
        Take mails up for sending, with a new fence and a lease each.

        *in_company* says that this process carries other mails at the same time: one whose worker died is
        then refused, to be taken up alone.
        """
        shared = calls.beginning(self.options.lease, self.options.runs, in_company=in_company)
        answers = self._run(_BEGIN, [calls.begin(mail_id) for mail_id in mail_ids], shared)
        return calls.grips(mail_ids, answers)

    def mark(self, claims: Sequence[Claim], progress: Sequence[str]) -> list[bool]:
        """
        Note that the final dots of these mails are about to be sent, with the recipients they cover.

        False for a claim whose lease was lost: its dot must not be sent.
        """
        return self.finish_and_mark((), claims, progress)[1]

    def finish_and_mark(
        self,
        settled: Sequence[Settlement],
        claims: Sequence[Claim],
        progress: Sequence[str],
    ) -> tuple[list[bool], list[bool]]:
        """Do what `finish` does for some mails and then what `mark` does for others, in one round trip."""
        steps = [calls.step(each.claim, each.state, each.text) for each in settled]
        steps += [calls.step(claim, "data", covered) for claim, covered in zip(claims, progress, strict=True)]
        copy = self._copies.now() if self._copies and settled else NO_COPY
        answers = self._step(steps, copy)
        return answers[: len(settled)], answers[len(settled) :]

    def record(self, claim: Claim, *, history: str, progress: str) -> bool:
        """Note a definite answer after which the mail is still in hand (other recipients are to follow)."""
        return self._step([calls.step(claim, "sending", progress, history)])[0]

    def renew(self, claims: Iterable[Claim]) -> list[bool]:
        """Extend the leases of mails that are still being worked at."""
        return self._step([calls.step(claim, "renew") for claim in claims])

    def postpone(self, claim: Claim, *, wait: float, history: str, progress: str) -> bool:
        """Put a mail back for *wait* seconds; no worker slot is held meanwhile."""
        due = str(calls.milliseconds(wait))
        return self._step([calls.step(claim, "queued", progress, history, due)])[0]

    def finish(self, settled: Sequence[Settlement]) -> list[bool]:
        """Record the results of mails; their parameters are deleted, the results kept for a day."""
        return self.finish_and_mark(settled, (), ())[0]

    def release(self, untouched: Sequence[tuple[Claim, str]]) -> list[bool]:
        """
        Let go of mails of a dead worker of which no dot is out, with the progress that they had.

        They count as taken up all the same: one that kills its workers does so in vain.
        """
        unmarked = [calls.step(claim, "sending", progress) for claim, progress in untouched]
        freed = self._freed([claim for claim, _ in untouched])
        return self._step([*unmarked, *freed])[len(unmarked) :]

    def release_doubtful(self, claims: Sequence[Claim]) -> list[bool]:
        """Let go of mails of a dead worker whose dots may be out: whoever takes one up finds the doubt."""
        return self._step(self._freed(claims))

    def conclude(self, mail_id: str, result: SendEmailResult) -> None:
        """Write down how a password reset ended, where it was written down that it was asked for."""
        Audit(self._redis).conclude(mail_id, result)

    def look_up(self, mail_ids: Sequence[str]) -> list[Record | None]:
        """Return what is known about mails; None for one that never existed or is long past."""
        pipeline = self._redis.pipeline(transaction=False)
        for mail_id in mail_ids:
            # Not the parameters, which may be megabytes and which nobody is told.
            pipeline.hmget(MAIL + mail_id, RECORD_FIELDS)
        return [
            _record(mail_id, values)
            for mail_id, values in zip(mail_ids, pipeline.execute(raise_on_error=False), strict=True)
        ]

    @staticmethod
    def _freed(claims: Iterable[Claim]) -> list[Call]:
        return [calls.step(claim, "free") for claim in claims]

    def _step(self, steps: list[Call], copy: Copy = NO_COPY) -> list[bool]:
        return [answer == 1 for answer in self._send_steps(steps, copy)]

    def _send(self, steps: list[Call], copy: Copy) -> list[Any]:
        shared = calls.stepping(self.options.lease, self.options.retention, copy)
        return self._run(_STEP, steps, shared)

    def _run(self, script: Script, made: list[Call], shared: Call) -> list[Any]:
        return run_script(self._redis, script, made, shared=shared, link=self._link)


def _record(mail_id: str, values: list[bytes | None] | Exception) -> Record | None:
    """Read what Redis answered for `RECORD_FIELDS`: an error where the key is no hash."""
    if is_damage(values):
        return Record.damaged(mail_id)
    if isinstance(values, Exception):
        raise values
    try:
        return Record.read(mail_id, dict(zip(RECORD_FIELDS, values, strict=True)))
    except Damaged:
        return Record.damaged(mail_id)
