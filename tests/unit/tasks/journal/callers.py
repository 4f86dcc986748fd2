"""What producers and callers may do to the journal at any moment."""

from __future__ import annotations

import json

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tasks.journal.control import Resend
from tasks.journal.entries import Entry
from tasks.journal.records import Acceptance
from tests.unit.tasks.journal.letters import RECIPIENTS, Letter, expected, request
from tests.unit.tasks.journal.world import World, indices

#: Mails in one course of things: few, so that much happens to each.
MANY = 3


class Callers(World):
    """They hand mails in, cancel them and have them sent again."""

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
