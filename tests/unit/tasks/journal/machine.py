"""
A state machine that does to the journal what workers, brokers, callers and time may do to it.

Its workers know mails as real ones do (`tasks.delivery.mail`); the server, the queue and the clock are the
model. The server remembers every dot, so that the model knows who has how many copies, whatever is said.
"""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any, cast

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tasks.contract.codes import LocalCode
from tasks.contract.codes import Phase as SmtpPhase
from tasks.contract.names import Lane
from tasks.contract.result import RecipientState
from tasks.deadline import Deadline
from tasks.delivery.job import Job
from tasks.delivery.mail import Mail
from tasks.delivery.outcome import UNKNOWN_REPLY, conclude, history_json, state_of
from tasks.delivery.prepared import Prepared
from tasks.delivery.retry import RetryPolicy
from tasks.failures import PermanentFailure, Receipt, Reply, TransientFailure, Unconfirmed
from tasks.journal.control import Control, Resend
from tasks.journal.entries import Entry
from tasks.journal.journal import Journal, JournalOptions
from tasks.journal.keys import IDEMPOTENCY, MAIL, OPEN
from tasks.journal.logbook import lines
from tasks.journal.logbook.recovery import clean_up
from tasks.journal.records import Acceptance, Claim, Grip, Hindrance, Record, Refusal
from tasks.journal.settlement import Settlement
from tasks.journal.sweeper import Sweeper
from tests.unit.tasks.journal.letters import RECIPIENTS, Hand, Letter, assert_result_stays, expected, request

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from tasks.contract.parameters import SendEmail
    from tasks.failures import Answer

OPTIONS = JournalOptions(lease=15.0, patience=20.0, retention=3600.0, runs=3)
LANES = frozenset(lane.value for lane in Lane)
#: Mails in one course of things: few, so that much happens to each.
MANY = 3
OK, LATER, NEVER = Reply(250, "ok"), Reply(451, "later"), Reply(550, "never")

#: How a mail may stand when a course of things begins.
BEGINNINGS = ("queued", "sending", "data", "retrying", "partial", "unknown", "resent")
#: Lets everything in the journal have happened that many milliseconds earlier.
AGE = """
for _, key in ipairs(redis.call('KEYS', 'postroom:mail:*')) do
  for _, name in ipairs({'accepted', 'due', 'published', 'lease', 'started'}) do
    if redis.call('HEXISTS', key, name) == 1 then
      redis.call('HINCRBY', key, name, -ARGV[1])
    end
  end
end
for _, id in ipairs(redis.call('ZRANGE', 'postroom:open', 0, -1)) do
  redis.call('ZINCRBY', 'postroom:open', -ARGV[1], id)
end
for _, lane in ipairs(redis.call('HKEYS', 'postroom:watermarks')) do
  redis.call('HINCRBY', 'postroom:watermarks', lane, -ARGV[1])
end
"""

indices = st.integers(0, 7)


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


def _notes(hand: Hand) -> dict[str, str]:
    return {"history": history_json(hand.mail.attempts), "progress": hand.mail.kept_progress()}


class JournalMachine(RuleBasedStateMachine):
    """The rules, over any Redis, which is emptied first."""

    def __init__(self, redis: Redis) -> None:
        super().__init__()
        redis.flushdb()
        self.redis = redis
        self.journal = Journal(self.redis, options=OPTIONS)
        self.control = Control(self.redis, options=OPTIONS)
        self.sweeper = Sweeper(self.redis, options=OPTIONS, batch=2)
        self.numbers = itertools.count()
        self.letters: dict[str, Letter] = {}
        self.keys: dict[str, Letter] = {}
        self.queue: list[Letter] = []
        self.hands: list[Hand] = []
        self.late: list[tuple[Hand, Callable[[Claim], bool]]] = []

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

    # Producers

    @precondition(lambda self: len(self.letters) < MANY)
    @rule(resends=st.booleans(), delay=st.sampled_from([0.0, 0.0, 30.0]), is_published=st.booleans())
    def accept(self, *, resends: bool, delay: float, is_published: bool) -> None:
        letter = self._letter(request(resends=resends))
        [answer] = self.journal.accept([self._entry(letter, delay=delay)])
        assert answer.outcome is Acceptance.ACCEPTED
        if is_published and not delay:
            self.queue.append(letter)

    @precondition(lambda self: len(self.letters) < MANY)
    @rule(key=st.sampled_from(["j", "k"]), subject=st.sampled_from(["s", "t"]))
    def accept_under_a_key(self, key: str, subject: str) -> None:
        letter = self._letter(request(subject=subject), key)
        first = self.keys.setdefault(key, letter)
        [answer] = self.journal.accept([self._entry(letter)])
        assert answer.mail_id == first.mail_id
        if first is letter:
            assert answer.outcome is Acceptance.ACCEPTED
            self.queue.append(letter)
        else:
            del self.letters[letter.mail_id]
            is_same = first.request.subject == subject
            assert answer.outcome is (Acceptance.SAME if is_same else Acceptance.CONFLICT)

    @precondition(lambda self: len(self.letters) < MANY)
    @rule()
    def enqueue_by_name(self) -> None:
        self.queue.append(Letter(f"m{next(self.numbers)}", request()))

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
        self.redis.eval(AGE, 0, seconds * 1000)
        if is_renewed:
            for hand in self.hands:
                self._step(hand, lambda claim: self.journal.renew([claim])[0])

    # Workers

    @precondition(lambda self: self.queue)
    @rule()
    def take_up(self) -> None:
        letter = self.queue.pop(0)
        [grip] = self.journal.begin([letter.mail_id])
        if isinstance(grip, Refusal) and grip.hindrance is Hindrance.UNKNOWN:
            self.letters[letter.mail_id] = letter
            self.journal.accept([self._entry(letter)])
            [grip] = self.journal.begin([letter.mail_id])
        if isinstance(grip, Claim):
            self._take(letter, grip)
        elif grip.hindrance is Hindrance.DONE:
            assert grip.result == letter.result
            assert grip.result is not None

    @precondition(lambda self: self.hands)
    @rule(i=indices)
    def take_over(self, i: int) -> None:
        """One worker freezes until its lease is over, and another one takes its mail up."""
        letter = self._pick(self.hands, i).letter
        self.pass_time(16, is_renewed=False)
        self.queue.insert(0, letter)
        self.take_up()

    @precondition(lambda self: self.hands)
    @rule(i=indices)
    def die(self, i: int) -> None:
        self.hands.remove(self._pick(self.hands, i))

    @precondition(lambda self: self.hands)
    @rule(i=indices)
    def die_and_be_cleaned_up_behind(self, i: int) -> None:
        self._clean_up(self._pick(self.hands, i))

    @precondition(lambda self: self.ready_hands)
    @rule(i=indices)
    def mark(self, i: int) -> None:
        self._mark(self._pick(self.ready_hands, i))

    @precondition(lambda self: self.marked_hands)
    @rule(i=indices, refused=st.sets(st.sampled_from(RECIPIENTS)), reply=st.sampled_from([LATER, NEVER]))
    def send_the_dot(self, i: int, refused: set[str], reply: Reply) -> None:
        hand = self._pick(self.marked_hands, i)
        tried = set(hand.mail.progress.open)
        refused = refused & tried if tried - refused else set()
        self._dot(hand, Receipt(OK, dict.fromkeys(refused, reply)))

    @precondition(lambda self: self.marked_hands)
    @rule(i=indices, is_taken=st.booleans(), ending=st.sampled_from(["waits", "dies", "is cleaned up"]))
    def send_the_dot_and_learn_nothing(self, i: int, *, is_taken: bool, ending: str) -> None:
        hand = self._pick(self.marked_hands, i)
        answer = Unconfirmed(UNKNOWN_REPLY, SmtpPhase.FINAL) if ending == "waits" else None
        self._dot(hand, answer, is_taken=is_taken)
        if ending == "is cleaned up":
            self._clean_up(hand)

    @precondition(lambda self: self.ready_hands + self.marked_hands)
    @rule(i=indices, is_permanent=st.booleans())
    def hear_a_definite_no(self, i: int, *, is_permanent: bool) -> None:
        failure = PermanentFailure if is_permanent else TransientFailure
        hand = self._pick(self.ready_hands + self.marked_hands, i)
        if hand.is_marked:
            hand.trace += lines.dot(hand.mail.claim)
        self._absorb(hand, failure(NEVER if is_permanent else LATER, SmtpPhase.DATA))

    @precondition(lambda self: self.tried_hands)
    @rule(i=indices)
    def go_on(self, i: int) -> None:
        hand = self._pick(self.tried_hands, i)
        self._step(hand, lambda claim: self.journal.record(claim, **_notes(hand)))

    @precondition(lambda self: self.tried_hands)
    @rule(i=indices)
    def put_back(self, i: int) -> None:
        hand = self._pick(self.tried_hands, i)
        self._step(hand, lambda claim: self.journal.postpone(claim, wait=10.0, **_notes(hand)))
        self._let_go(hand)

    @precondition(lambda self: self.tried_hands)
    @rule(i=indices, last=st.sampled_from(["record", "postpone", "mark"]))
    def leave_a_refused_mail(self, i: int, last: str) -> None:
        """The journal is away for too long, and does what it was asked for last when it is back."""
        hand = self._pick(self.tried_hands, i)
        notes, covered = _notes(hand), hand.mail.covered()
        steps: dict[str, Callable[[Claim], bool]] = {
            "record": lambda claim: self.journal.record(claim, **notes),
            "postpone": lambda claim: self.journal.postpone(claim, wait=10.0, **notes),
            "mark": lambda claim: self.journal.mark([claim], [covered])[0],
        }
        self._clean_up(hand)
        self.late.append((hand, steps[last]))

    @precondition(lambda self: self.late)
    @rule(i=indices)
    def do_at_last_what_was_asked_for(self, i: int) -> None:
        hand, step = self._pick(self.late, i)
        self.late.remove((hand, step))
        self._step(hand, step)

    @precondition(lambda self: self.settled_hands)
    @rule(i=indices)
    def finish(self, i: int) -> None:
        self._finish(self._pick(self.settled_hands, i))

    # Callers who intervene

    @precondition(lambda self: self.letters)
    @rule(i=indices)
    def cancel(self, i: int) -> None:
        letter = self._pick(list(self.letters.values()), i)
        before = self._stored(letter)
        stray = self.control.cancel(letter.mail_id)
        if before[b"state"] != b"queued":
            assert (stray, self._stored(letter)) == (None, before)
            return
        assert self._state(letter) in {"cancelled", "partial", "unknown"}
        assert stray is None or json.loads(stray.payload) == letter.request.to_message()
        self._read_result(letter)
        self.queue += [letter] if stray else []

    @precondition(lambda self: self.unsent_letters)
    @rule(i=indices, force=st.booleans(), is_published=st.booleans())
    def resend(self, i: int, *, force: bool, is_published: bool) -> None:
        self._resend(self._pick(self.unsent_letters, i), force=force, is_published=is_published)

    @precondition(lambda self: self.letters)
    @rule(i=indices, force=st.booleans(), is_same=st.booleans())
    def resend_anything(self, i: int, *, force: bool, is_same: bool) -> None:
        self._resend(self._pick(list(self.letters.values()), i), force=force, is_same=is_same)

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
            self.pass_time(61, is_renewed=False)
            while self.queue:
                self._work_off()
            self.sweep()
        assert not self.queue
        assert self.redis.zcard(OPEN) == 0
        assert all(letter.result is not None for letter in self.letters.values())
        self.all_is_well()

    # Who may do what

    @property
    def ready_hands(self) -> list[Hand]:
        return [hand for hand in self.hands if hand.mail.wait is not None and not hand.is_marked]

    @property
    def tried_hands(self) -> list[Hand]:
        return [hand for hand in self.ready_hands if hand.mail.attempts]

    @property
    def marked_hands(self) -> list[Hand]:
        return [hand for hand in self.hands if hand.is_marked]

    @property
    def settled_hands(self) -> list[Hand]:
        return [hand for hand in self.hands if hand.mail.wait is None]

    @property
    def unsent_letters(self) -> list[Letter]:
        return [letter for letter in self.letters.values() if letter.result and not letter.result.success]

    # How it is done

    def _resend(
        self, letter: Letter, *, force: bool, is_same: bool = True, is_published: bool = True
    ) -> None:
        before, state = self._stored(letter), self._state(letter)
        parameters = letter.request if is_same else request(subject="another")
        entry = Entry.of(letter.mail_id, "default", parameters)
        outcome, lane = self.control.resend(entry, recipients=len(RECIPIENTS), force=force)
        assert outcome is expected(letter, state, force=force, is_same=is_same)
        if outcome is not Resend.QUEUED:
            assert self._stored(letter) == before
            return
        assert (lane, self._state(letter)) == ("default", "queued")
        letter.may_double |= force and state == "unknown"
        letter.result = None
        letter.fence += 1
        self.queue += [letter] if is_published else []

    def _letter(self, parameters: SendEmail, key: str | None = None) -> Letter:
        letter = Letter(f"m{next(self.numbers)}", parameters, key)
        self.letters[letter.mail_id] = letter
        return letter

    @staticmethod
    def _entry(letter: Letter, *, delay: float = 0.0) -> Entry:
        entry = Entry.of(letter.mail_id, "default", letter.request)
        return Entry(entry.mail_id, entry.lane, entry.payload, letter.key, entry.fingerprint, delay)

    @staticmethod
    def _pick(things: list[Any], i: int) -> Any:
        return things[i % len(things)]

    def _stored(self, letter: Letter) -> dict[bytes, bytes]:
        return cast("dict[bytes, bytes]", self.redis.hgetall(MAIL + letter.mail_id))

    def _state(self, letter: Letter) -> str:
        return self._stored(letter)[b"state"].decode()

    def _take(self, letter: Letter, claim: Claim) -> None:
        assert claim.fence > letter.fence
        letter.fence = claim.fence
        job = Job(letter.mail_id, "default", letter.request.to_message())
        mail = Mail(job, claim, Deadline.after(3600.0, clock=lambda: 0.0), lambda: 0.0, 0.0)
        mail.open(letter.request)
        resends = letter.request.on_unknown == "resend"
        letter.may_double |= resends
        nothing: Any = None
        mail.ready = Prepared(nothing, nothing, "<m@example.org>", (), resends)
        if claim.grip is Grip.CRASHED:
            mail.settle(PermanentFailure(Reply(LocalCode.WORKER_CRASHES, "given up")))
        elif claim.grip is Grip.UNCONFIRMED and not resends:
            mail.settle(Unconfirmed(UNKNOWN_REPLY))
        elif claim.grip is Grip.UNCONFIRMED:
            mail.progress.reopen()
        hand = Hand(letter, mail, trace=lines.taken_up(claim))
        if mail.wait is None:
            hand.trace += lines.settled(self._settlement(hand))
        self.hands.append(hand)

    def _let_go(self, hand: Hand) -> None:
        if hand in self.hands:
            self.hands.remove(hand)

    def _step(self, hand: Hand, call: Callable[[Claim], bool]) -> bool:
        """Make a step; one with a stale fence must be refused and change nothing."""
        before = self._stored(hand.letter)
        is_done = call(hand.mail.claim)
        if hand.is_stale or hand.letter.result is not None:
            assert not is_done
            assert self._stored(hand.letter) == before
        return is_done

    def _mark(self, hand: Hand) -> None:
        hand.is_marked = self._step(hand, lambda claim: self.journal.mark([claim], [hand.mail.covered()])[0])
        if not hand.is_marked:
            self._let_go(hand)

    def _dot(self, hand: Hand, answer: Answer | None, *, is_taken: bool = True) -> None:
        refused = answer.refused if isinstance(answer, Receipt) else {}
        letter = hand.letter
        hand.trace += lines.dot(hand.mail.claim)
        for recipient in set(hand.mail.progress.open) - set(refused):
            assert recipient not in letter.told_sent, "was told to have it"
            letter.dots[recipient] += 1
            letter.has_copy |= {recipient} if is_taken else set()
        if answer is None:
            self._let_go(hand)
        else:
            self._absorb(hand, answer)

    def _absorb(self, hand: Hand, answer: Answer) -> None:
        hand.is_marked = False
        hand.mail.absorb(answer, RetryPolicy())
        if hand.mail.wait is None:
            hand.trace += lines.settled(self._settlement(hand))
        else:
            hand.trace += lines.refused(hand.mail.claim, hand.mail.kept_progress())

    @staticmethod
    def _settlement(hand: Hand) -> Settlement:
        ending = hand.mail.ending()
        result = conclude(ending)
        return Settlement.of(hand.mail.claim, state_of(ending, result), result)

    def _finish(self, hand: Hand) -> None:
        settled = self._settlement(hand)
        if self._step(hand, lambda _: self.journal.finish([settled])[0]):
            self._read_result(hand.letter)
        self._let_go(hand)

    def _clean_up(self, hand: Hand) -> None:
        """Have *hand* die, and another process of its machine read what it left."""
        self._let_go(hand)
        traces = lines.read(hand.trace.decode().splitlines())
        assert len(traces) == 1

        def apply(_: Claim) -> bool:
            return any(clean_up(self.journal, traces))

        if self._step(hand, apply) and traces[0].result:
            self._read_result(hand.letter)

    def _read_result(self, letter: Letter) -> None:
        [record] = self.journal.look_up([letter.mail_id])
        assert record is not None
        assert record.result is not None
        letter.result = record.result
        outcomes = zip(RECIPIENTS, record.result.recipients, strict=True)
        letter.told_sent |= {r for r, outcome in outcomes if outcome.state is RecipientState.SENT}

    def _work_off(self) -> None:
        self.take_up()
        for hand in list(self.hands):
            if hand.mail.wait is not None:
                self._mark(hand)
                self._dot(hand, Receipt(OK))
            self._finish(hand)
