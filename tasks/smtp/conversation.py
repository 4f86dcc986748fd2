"""A run of mails over one session, with or without pipelining."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from tasks.contract.codes import LocalCode, Phase
from tasks.failures import Failure, Receipt, Reply, TransientFailure
from tasks.smtp.faults import BREAKS, LeaseLost, broken, refusal
from tasks.smtp.planning import begin, require_reserve
from tasks.smtp.replies import Verdict, is_about_connection, meaning
from tasks.smtp.submission import go_on
from tasks.smtp.wire import ConnectionLost, ProtocolError

if TYPE_CHECKING:
    from tasks.deadline import Deadline
    from tasks.failures import Answer
    from tasks.smtp.job import Job
    from tasks.smtp.replies import RawReply
    from tasks.smtp.session import Session
    from tasks.smtp.submission import GoOn, Mark
    from tasks.smtp.supply import Line
    from tasks.smtp.transaction import Transaction

_DOT: Final = b".\r\n"
# Replies to the commands of one write must fit the buffers between server and client (RFC 2920, 3.1).
_MOST_AT_ONCE: Final = 50
_REFUSAL: Final = 400
_HAD_ENOUGH: Final = frozenset({421, 503})
# Seconds for which a server that broke off in mid-content is listened to for its reason.
_LAST_WORDS: Final = 0.5


class Conversation:
    """
    Carries the mails that wait, the first first, until none is left or the session is at its end.

    Where the server pipelines, the content of a mail and the envelope of the next are one write. A session
    that was used before may be found dead at the first command of a mail: then the mail stays in its place,
    to be carried by a new session, once. No mail is begun once *goes_on* says no.
    """

    def __init__(
        self,
        session: Session,
        waiting: Line,
        mark: Mark,
        *,
        most_mails: int,
        goes_on: GoOn = go_on,
    ) -> None:
        self._session = session
        self._waiting = waiting
        self._mark = mark
        self._most_mails = most_mails
        self._goes_on = goes_on
        self._at_once = _MOST_AT_ONCE if session.pipelines else 1
        self._begun: Transaction | None = None

    def carry(self) -> None:
        """Answer the mails that wait; those that are left need another session, or must wait."""
        while self._waiting and self._session.is_open and self._session.mails < self._most_mails:
            if self._begun is None and not self._goes_on():
                return
            job = self._waiting.first
            try:
                answer = self._carry(job)
            except Failure as failure:
                answer = failure
            if answer is not None:
                self._waiting.leave()
                job.settle(answer)

    def _carry(self, job: Job) -> Answer | None:
        """Return the mail's answer, or None where it needs a new session."""
        session, begun = self._session, self._begun
        self._begun = None
        if session.needs_reset and not session.reset(job.submission.deadline):
            session.abort()
            return None
        transaction = begun or begin(job.submission, session.extensions)
        try:
            self._offer(transaction, is_written=begun is not None)
        except BREAKS as error:
            session.abort()
            if self._is_stale(transaction, error):
                job.is_replayed = True
                return None
            phase = transaction.phase
            return transaction.answer or broken(error, phase, f"the answer to {phase.upper()}")
        if transaction.answer is None:
            self._deliver(transaction, job)
        self._settle(transaction)
        return transaction.answer

    def _is_stale(self, transaction: Transaction, error: BaseException) -> bool:
        return self._is_used and transaction.replies == 0 and not isinstance(error, TimeoutError)

    @property
    def _is_used(self) -> bool:
        return self._session.is_reused or self._session.mails > 0

    def _offer(self, transaction: Transaction, *, is_written: bool) -> None:
        """Send the envelope, unless its first group *is_written*, and take the replies."""
        session, deadline = self._session, transaction.submission.deadline
        for group in _groups(transaction.commands, self._at_once):
            if not transaction.wants_more:
                break
            if not is_written:
                session.expect_silence(deadline)
                session.wire.send(_lines(group), deadline)
            is_written = False
            for _ in group:
                raw = session.wire.receive(deadline)
                if raw.code >= _REFUSAL and transaction.replies == 0:
                    self._forbid_weariness(raw)
                transaction.take(raw)
                if transaction.is_disconnected:
                    break
        transaction.conclude_recipients()

    def _forbid_weariness(self, raw: RawReply) -> None:
        """
        Have the mail carried anew where the server had enough of this connection, not of the mail.

        A server may be done with it (421), have the mail before still open (503), or say 4yz until the client
        leaves; the last only counts where it took a mail before, or a throttled run would connect for each.
        """
        is_tired = (self._is_used and raw.code in _HAD_ENOUGH) or (
            self._session.accepted and is_about_connection(raw)
        )
        if is_tired:
            raise ConnectionLost(f"the server answered {raw.code} on a kept connection")

    def _deliver(self, transaction: Transaction, job: Job) -> None:
        """Send content and dot, and the envelope of the next mail behind it; take the dot's reply."""
        wire, deadline = self._session.wire, transaction.submission.deadline
        content = transaction.content
        dot_at = None
        try:
            require_reserve(transaction.submission)
            for piece in transaction.bulk:
                wire.send(piece, deadline)
            self._session.expect_silence(deadline)
            following = self._begin_next()
            self._permit(job)
            dot_at = wire.sent + len(content)
            wire.send(content + _DOT + following, deadline)
        except Failure as failure:
            transaction.abandon(failure)
        except BREAKS as error:
            if dot_at is None or wire.sent <= dot_at:
                transaction.abandon(
                    self._refusal(transaction, error) or broken(error, Phase.DATA, "the content to go out")
                )
        if transaction.answer is None:
            self._await_verdict(transaction)

    def _await_verdict(self, transaction: Transaction) -> None:
        deadline = transaction.submission.deadline
        try:
            # Until it is read the mail is in doubt, whatever kills this process.
            transaction.take_final(self._session.wire.receive(deadline, is_urgent=True))
        except BREAKS:
            transaction.lose_answer()

    def _begin_next(self) -> bytes:
        """Begin the mail after this one where its envelope may share a write, and return what to write."""
        session = self._session
        is_last = session.mails + 1 >= self._most_mails
        if is_last or not session.pipelines or not self._goes_on():
            return b""
        following = self._waiting.second
        if following is None:
            return b""
        try:
            self._begun = begin(following.submission, session.extensions)
        except Failure:
            return b""
        return _lines(self._begun.commands[: self._at_once])

    def _permit(self, job: Job) -> None:
        """Ask whether the dot may be sent."""
        try:
            allowed = self._mark([job.submission])
        except Exception as error:
            text = f"The mail could not be marked as being sent ({type(error).__name__})."
            raise TransientFailure(Reply(LocalCode.INTERNAL, text), Phase.DATA) from error
        if not allowed or not all(allowed):
            raise LeaseLost
        job.is_marked = True

    def _refusal(self, transaction: Transaction, error: BaseException) -> Failure | None:
        """Return the server's own refusal of content whose dot is not out, where it gave one."""
        with suppress(*BREAKS):
            raw = self._last_words(transaction.submission.deadline, error)
            if meaning(raw, Phase.DATA) in {Verdict.TRANSIENT, Verdict.PERMANENT}:
                return refusal(raw, Phase.DATA, transaction.refused)
        return None

    def _last_words(self, deadline: Deadline, error: BaseException) -> RawReply:
        if isinstance(error, (ConnectionLost, ProtocolError)) and error.last_words:
            return error.last_words
        # What is there is read without waiting: a server that takes no more leaves no time for it.
        self._session.wire.has_unread()
        return self._session.wire.receive(deadline.sooner(_LAST_WORDS))

    def _settle(self, transaction: Transaction) -> None:
        """Leave the session ready for the next mail, or closed where anything is in doubt."""
        session = self._session
        session.mails += 1
        session.accepted += isinstance(transaction.answer, Receipt)
        if transaction.leaves_doubt:
            session.abort()
            self._begun = None
        session.needs_reset = not transaction.is_in_data


def _groups(commands: tuple[bytes, ...], size: int) -> list[tuple[bytes, ...]]:
    """Return *commands* in the groups that are one write each."""
    if len(commands) <= size:
        return [commands]
    return [commands[at : at + size] for at in range(0, len(commands), size)]


def _lines(commands: tuple[bytes, ...]) -> bytes:
    return b"\r\n".join((*commands, b""))
