"""One mail on its way: its commands, and its outcome as the replies come in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tasks.contract.codes import Phase
from tasks.failures import Answer, Failure, Receipt, Reply
from tasks.smtp.faults import none_accepted, refusal, unconfirmed
from tasks.smtp.replies import Verdict, meaning, read

if TYPE_CHECKING:
    from tasks.smtp.replies import RawReply
    from tasks.smtp.submission import Submission


@dataclass(slots=True)
class Transaction:
    """
    MAIL, RCPT for each recipient, DATA, content and dot of one mail (RFC 5321, section 3.3).

    It is fed with the replies in the order of its *commands*, which are those of the envelope and DATA, and
    says what came of them; whether they were pipelined makes no difference to it. *bulk* is what goes out
    before it is asked whether the dot may, *content* the rest, which goes with it; both have their dots
    stuffed and end a line.
    """

    submission: Submission
    commands: tuple[bytes, ...]
    recipients: tuple[str, ...]
    content: bytes = field(repr=False)
    bulk: tuple[bytes, ...] = field(default=(), repr=False, kw_only=True)
    refused: dict[str, Reply] = field(default_factory=dict, repr=False)
    answer: Answer | None = None
    replies: int = 0
    accepted: int = 0
    is_in_data: bool = False
    is_settled: bool = False
    is_disconnected: bool = False

    @property
    def phase(self) -> Phase:
        """The phase of the reply that is awaited next."""
        if self.replies == 0:
            return Phase.MAIL
        return Phase.RCPT if self.replies <= len(self.recipients) else Phase.DATA

    @property
    def wants_more(self) -> bool:
        """Whether the next command makes sense."""
        return self.answer is None and not (self.phase is Phase.DATA and self.accepted == 0)

    @property
    def leaves_doubt(self) -> bool:
        """Whether the server may be anywhere but between two mails."""
        return self.is_disconnected or (self.is_in_data and not self.is_settled)

    def take(self, raw: RawReply) -> None:
        """Take the reply to the next command of the envelope."""
        index = self.replies
        if raw.is_accepting and index <= len(self.recipients):
            self.accepted += index > 0
        elif index == 0 or raw.closes:
            self._fail(raw, self.phase)
        elif index <= len(self.recipients):
            self._take_refusal(raw, self.recipients[index - 1])
        else:
            self._take_data(raw)
        self.replies = index + 1

    def conclude_recipients(self) -> None:
        """Fail the mail if no recipient was accepted: transiently if any may be later."""
        if self.answer is None and self.accepted == 0:
            self.answer = none_accepted(self.refused)

    def take_final(self, raw: RawReply) -> None:
        """Take the reply to the final dot; every 2yz is an acceptance."""
        self.is_settled = True
        if raw.is_accepting:
            self.answer = Receipt(read(raw), self.refused)
            return
        self.answer = refusal(raw, Phase.FINAL, self.refused)
        self.is_disconnected = raw.closes or meaning(raw, Phase.FINAL) is Verdict.NONSENSE

    def abandon(self, failure: Failure) -> None:
        """Note that the content was begun and must not get its dot."""
        self.answer = failure
        self.is_disconnected = True

    def lose_answer(self) -> None:
        """Note that the dot was sent and its reply never came, or was none."""
        self.answer = unconfirmed(self.refused)
        self.is_disconnected = True

    def _take_refusal(self, raw: RawReply, recipient: str) -> None:
        if meaning(raw, Phase.RCPT) is Verdict.NONSENSE:
            self._fail(raw, Phase.RCPT)
        else:
            self.refused[recipient] = read(raw)

    def _take_data(self, raw: RawReply) -> None:
        self.is_in_data = raw.goes_ahead
        self.conclude_recipients()
        if not self.is_in_data:
            self._fail(raw, Phase.DATA)

    def _fail(self, raw: RawReply, phase: Phase) -> None:
        if self.answer is None:
            self.answer = refusal(raw, phase, self.refused)
        if raw.closes or meaning(raw, phase) is Verdict.NONSENSE:
            self.is_disconnected = True
