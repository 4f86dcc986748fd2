"""What workers may do at any moment, and what may befall them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import (
    precondition,
    rule,
)

from tasks.contract.codes import Phase as SmtpPhase
from tasks.delivery.outcome import UNKNOWN_REPLY
from tasks.failures import PermanentFailure, Receipt, Reply, TransientFailure, Unconfirmed
from tasks.journal.logbook import lines
from tasks.journal.records import Claim, Hindrance, Refusal
from tests.unit.tasks.journal.letters import RECIPIENTS

if TYPE_CHECKING:
    from collections.abc import Callable


from tests.unit.tasks.journal.world import World, indices, notes

OK, LATER, NEVER = Reply(250, "ok"), Reply(451, "later"), Reply(550, "never")


class Workers(World):
    """They take mails up, carry and settle them, or die."""

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
        self._age(16)
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
        self._step(hand, lambda claim: self.journal.record(claim, **notes(hand)))

    @precondition(lambda self: self.tried_hands)
    @rule(i=indices)
    def put_back(self, i: int) -> None:
        hand = self._pick(self.tried_hands, i)
        self._step(hand, lambda claim: self.journal.postpone(claim, wait=10.0, **notes(hand)))
        self._let_go(hand)

    @precondition(lambda self: self.tried_hands)
    @rule(i=indices, last=st.sampled_from(["record", "postpone", "mark"]))
    def leave_a_refused_mail(self, i: int, last: str) -> None:
        """The journal is away for too long, and does what it was asked for last when it is back."""
        hand = self._pick(self.tried_hands, i)
        left, covered = notes(hand), hand.mail.covered()
        steps: dict[str, Callable[[Claim], bool]] = {
            "record": lambda claim: self.journal.record(claim, **left),
            "postpone": lambda claim: self.journal.postpone(claim, wait=10.0, **left),
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

    def _work_off(self) -> None:
        self.take_up()
        for hand in list(self.hands):
            if hand.mail.wait is not None:
                self._mark(hand)
                self._dot(hand, Receipt(OK))
            self._finish(hand)
