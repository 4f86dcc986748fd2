"""
What the rules of the journal's state machine are made of: the journal, a server, a queue, and workers.

The server remembers every dot, so that the model knows who has how many copies, whatever is said.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, cast

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from tasks.contract.codes import LocalCode
from tasks.contract.result import RecipientState
from tasks.deadline import Deadline
from tasks.delivery.job import Job
from tasks.delivery.mail import Mail
from tasks.delivery.outcome import UNKNOWN_REPLY, conclude, history_json, state_of
from tasks.delivery.prepared import Prepared
from tasks.delivery.retry import RetryPolicy
from tasks.failures import PermanentFailure, Receipt, Reply, Unconfirmed
from tasks.journal.control import Control
from tasks.journal.entries import Entry
from tasks.journal.journal import Journal, JournalOptions
from tasks.journal.keys import MAIL
from tasks.journal.logbook import lines
from tasks.journal.logbook.recovery import clean_up
from tasks.journal.records import Claim, Grip
from tasks.journal.settlement import Settlement
from tasks.journal.sweeper import Sweeper
from tests.unit.tasks.journal.letters import RECIPIENTS, Hand, Letter

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from tasks.contract.parameters import SendEmail
    from tasks.failures import Answer

#: Which of several things.
indices = st.integers(0, 7)
OPTIONS = JournalOptions(lease=15.0, patience=20.0, retention=3600.0, runs=3)

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


def notes(hand: Hand) -> dict[str, str]:
    """Return what *hand* leaves in the journal between two attempts."""
    return {"history": history_json(hand.mail.attempts), "progress": hand.mail.kept_progress()}


class World(RuleBasedStateMachine):
    """Everything but the rules, over any Redis, which is emptied first."""

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

    def _age(self, seconds: int) -> None:
        self.redis.eval(AGE, 0, seconds * 1000)

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
