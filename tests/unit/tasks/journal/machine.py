"""
A state machine that does to the journal what workers, brokers, callers and time may do to it.

Its workers know mails as real ones do (`tasks.delivery.mail`); the server, the queue and the clock are the
model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tasks.contract.codes import Phase as SmtpPhase
from tasks.contract.names import Lane
from tasks.delivery.outcome import UNKNOWN_REPLY
from tasks.failures import Receipt, Unconfirmed
from tasks.journal.keys import IDEMPOTENCY, MAIL, OPEN
from tasks.journal.records import Record
from tests.unit.tasks.journal.callers import Callers
from tests.unit.tasks.journal.letters import RECIPIENTS, Hand, assert_result_stays
from tests.unit.tasks.journal.workers import LATER, NEVER, OK, Workers
from tests.unit.tasks.journal.world import indices

if TYPE_CHECKING:
    from redis import Redis


LANES = frozenset(lane.value for lane in Lane)

#: How a mail may stand when a course of things begins.
BEGINNINGS = ("queued", "sending", "data", "retrying", "partial", "unknown", "resent")


def run(redis: Redis, *, examples: int) -> None:
    """Let Hypothesis try *examples* courses of things."""
    run_state_machine_as_test(
        cast("type[JournalMachine]", lambda: JournalMachine(redis)),
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
            # Explaining a failure traces every line, which takes longer than finding it.
            phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
        ),
    )


class JournalMachine(Callers, Workers):
    """What may happen, in any order, and what holds whatever happens."""

    @initialize(beginnings=st.lists(st.sampled_from(BEGINNINGS), min_size=1, max_size=2))
    def begin_amid_things(self, beginnings: list[str]) -> None:
        """Have mails whose story has begun, since what is interesting is several steps away."""
        for beginning in beginnings:
            self.accept(resends=False, delay=0.0, is_published=True)
            if beginning != "queued":
                self.take_up()
                self._tell(beginning, self.hands[-1])

    def _tell(self, beginning: str, hand: Hand) -> None:
        if beginning == "sending":
            return
        self._mark(hand)
        if beginning in {"unknown", "resent"}:
            self._dot(hand, Unconfirmed(UNKNOWN_REPLY, SmtpPhase.FINAL))
            self._finish(hand)
            if beginning == "resent":
                self._resend(hand.letter, force=True)
                self.take_up()
                self._mark(self.hands[-1])
        elif beginning in {"partial", "retrying"}:
            reply = NEVER if beginning == "partial" else LATER
            self._dot(hand, Receipt(OK, {RECIPIENTS[1]: reply}))
            if beginning == "partial":
                self._finish(hand)

    # The queue

    @precondition(lambda self: self.queue)
    @rule(i=indices)
    def lose_a_message(self, i: int) -> None:
        if self._pick(self.queue, i).mail_id in self.letters:
            del self.queue[i % len(self.queue)]

    @precondition(lambda self: self.queue)
    @rule(i=indices)
    def duplicate_a_message(self, i: int) -> None:
        self.queue.append(self._pick(self.queue, i))

    @rule()
    def sweep(self) -> None:
        empty = LANES if not self.queue else frozenset[str]()
        self.queue += [self.letters[stray.mail_id] for stray in self.sweeper.sweep(lambda: empty)]

    # Time

    @rule(seconds=st.sampled_from([6, 16, 31, 61]), is_renewed=st.booleans())
    def pass_time(self, seconds: int, *, is_renewed: bool) -> None:
        self._age(seconds)
        if is_renewed:
            for hand in self.hands:
                self._step(hand, lambda claim: self.journal.renew([claim])[0])

    # What always holds

    @invariant()
    def all_is_well(self) -> None:
        pipeline: Any = self.redis.pipeline(transaction=False)
        for letter in self.letters.values():
            pipeline.hgetall(MAIL + letter.mail_id)
            pipeline.ttl(MAIL + letter.mail_id)
            pipeline.ttl(f"{IDEMPOTENCY}{letter.key}")
        pipeline.zrange(OPEN, 0, -1, withscores=True)
        pipeline.time()
        *answers, scores, (seconds, microseconds) = pipeline.execute()
        open_mails, now = dict(scores), seconds * 1000 + microseconds // 1000
        for i, letter in enumerate(self.letters.values()):
            stored, lifetime, lifetime_of_key = answers[3 * i : 3 * i + 3]
            is_open = letter.result is None
            assert letter.may_double or all(count <= 1 for count in letter.dots.values())
            assert (letter.mail_id.encode() in open_mails) == is_open
            if is_open and int(stored.get(b"lease", 0)) > now and stored[b"state"] != b"queued":
                # Whoever has it may die: the sweeper looks by the time the lease is over.
                assert open_mails[letter.mail_id.encode()] <= int(stored[b"lease"])
            assert bool(stored.get(b"payload")) == is_open
            assert (lifetime == -1) == is_open
            assert letter.key is None or (lifetime_of_key == -1) == is_open
            assert_result_stays(letter, Record.read(letter.mail_id, stored))

    def teardown(self) -> None:
        """Let all workers die, then let one carry on: every mail is settled, and nothing is left."""
        self.hands.clear()
        for _ in range(3):
            self._age(61)
            while self.queue:
                self._work_off()
            self.sweep()
        assert not self.queue
        assert self.redis.zcard(OPEN) == 0
        assert all(letter.result is not None for letter in self.letters.values())
        self.all_is_well()
