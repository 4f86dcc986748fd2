"""One mail on its way: its commands, and its outcome as the replies come in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tasks.contract.codes import LocalCode, Phase
from tasks.failures import Answer, Failure, PermanentFailure, Receipt, Reply
from tasks.smtp.faults import refusal, refused, unconfirmed
from tasks.smtp.replies import Verdict, is_temporary, meaning, over_announced_limit, read

if TYPE_CHECKING:
    from tasks.smtp.extensions import Extensions
    from tasks.smtp.replies import RawReply
    from tasks.smtp.submission import Submission

_LINE_WITH_DOT: Final = re.compile(rb"^\.", re.MULTILINE)
# A local part in quotes, or without any character that could end the path or the line (RFC 5321, 4.1.2).
_PATH: Final = re.compile(
    r"(?:\"(?:[^\"\\\x00-\x1f\x7f]|\\[^\x00-\x1f\x7f])*\"|[^\s\"<>\x00-\x1f\x7f]+)@[^\s\"<>\x00-\x1f\x7f]+"
)


@dataclass(slots=True)
class Transaction:
    """
    MAIL, RCPT for each recipient, DATA, content and dot of one mail (RFC 5321, section 3.3).

    It is fed with the replies in the order of its commands and says what came of them; whether the commands
    were pipelined makes no difference to it. *content* has its dots stuffed and ends a line.
    """

    submission: Submission
    mail: bytes
    recipients: tuple[str, ...]
    content: bytes = field(repr=False)
    refused: dict[str, Reply] = field(default_factory=dict, repr=False)
    answer: Answer | None = None
    replies: int = 0
    accepted: int = 0
    is_in_data: bool = False
    is_disconnected: bool = False

    @property
    def commands(self) -> list[bytes]:
        """The commands of the envelope, DATA the last."""
        paths = [f"RCPT TO:<{recipient}>".encode() for recipient in self.recipients]
        return [self.mail, *paths, b"DATA"]

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
        is_sent = isinstance(self.answer, Receipt) or (
            isinstance(self.answer, Failure) and self.answer.phase is Phase.FINAL
        )
        return self.is_disconnected or (self.is_in_data and not is_sent)

    def take(self, raw: RawReply) -> None:
        """Take the reply to the next command of the envelope."""
        phase = self.phase
        self.replies += 1
        if raw.closes:
            self.is_disconnected = True
            self._fail(raw, phase)
        elif phase is Phase.RCPT:
            self._take_recipient(raw, self.recipients[self.replies - 2])
        elif phase is Phase.DATA:
            self._take_data(raw)
        elif meaning(raw, phase) is not Verdict.ACCEPTED:
            self._fail(raw, phase)

    def conclude_recipients(self) -> None:
        """Fail the mail if no recipient was accepted: transiently if any may be later."""
        if self.answer is None and self.accepted == 0:
            self.answer = _none_accepted(self.refused)

    def take_final(self, raw: RawReply) -> None:
        """Take the reply to the final dot; every 2yz is an acceptance."""
        if meaning(raw, Phase.FINAL) is Verdict.ACCEPTED:
            self.answer = Receipt(read(raw), self.refused)
        else:
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

    def _take_recipient(self, raw: RawReply, recipient: str) -> None:
        verdict = meaning(raw, Phase.RCPT)
        if verdict is Verdict.ACCEPTED:
            self.accepted += 1
        elif verdict is Verdict.NONSENSE:
            self._fail(raw, Phase.RCPT)
            self.is_disconnected = True
        else:
            self.refused[recipient] = read(raw)

    def _take_data(self, raw: RawReply) -> None:
        self.is_in_data = meaning(raw, Phase.DATA) is Verdict.CONTINUE
        self.conclude_recipients()
        if not self.is_in_data:
            self._fail(raw, Phase.DATA)

    def _fail(self, raw: RawReply, phase: Phase) -> None:
        if self.answer is None:
            self.answer = refusal(raw, phase, self.refused)
        self.is_disconnected = self.is_disconnected or meaning(raw, phase) is Verdict.NONSENSE


def begin(submission: Submission, extensions: Extensions) -> Transaction:
    """
    Return the transaction of a mail with a server that offers *extensions*.

    Raises:
        PermanentFailure: the mail cannot go to such a server at all; nothing was sent.

    """
    envelope = submission.envelope
    speaks_utf8 = "SMTPUTF8" in extensions
    content = envelope.content_smtputf8 if speaks_utf8 and envelope.content_smtputf8 else envelope.content
    _check_paths(envelope.sender, envelope.recipients)
    _check_lines(content)
    _check_size(len(content), extensions.size_limit)
    if not (speaks_utf8 or envelope.sender.isascii()):
        raise _policy("The server does not support the international address of the sender.")
    recipients, unasked = _asked(envelope.recipients, extensions)
    if not recipients:
        raise _none_accepted(unasked)
    is_utf8 = content is envelope.content_smtputf8 or not all(
        map(str.isascii, (envelope.sender, *recipients))
    )
    mail = _mail_command(envelope.sender, len(content), extensions, is_utf8=is_utf8)
    return Transaction(submission, mail, recipients, _stuffed(content), unasked)


_NO_SMTPUTF8: Final = Reply(LocalCode.POLICY, "The server does not support international addresses.", "5.6.7")


def _asked(recipients: tuple[str, ...], extensions: Extensions) -> tuple[tuple[str, ...], dict[str, Reply]]:
    """Return the recipients to ask the server for, and why it is not asked for the others."""
    speaks_utf8 = "SMTPUTF8" in extensions
    unasked = {r: _NO_SMTPUTF8 for r in recipients if not (speaks_utf8 or r.isascii())}
    asked = tuple(r for r in recipients if r not in unasked)
    most = extensions.most_recipients or len(asked)
    unasked |= dict.fromkeys(asked[most:], over_announced_limit(most))
    return asked[:most], unasked


def _mail_command(sender: str, size: int, extensions: Extensions, *, is_utf8: bool) -> bytes:
    parts = [f"MAIL FROM:<{sender}>"]
    parts += [f"SIZE={size}"] if "SIZE" in extensions else []
    if is_utf8:
        parts += ["SMTPUTF8"]
        parts += ["BODY=8BITMIME"] if "8BITMIME" in extensions else []
    return " ".join(parts).encode()


def _stuffed(content: bytes) -> bytes:
    if content.startswith(b".") or b"\n." in content:
        content = _LINE_WITH_DOT.sub(b"..", content)
    return content if content.endswith(b"\r\n") else content + b"\r\n"


def _check_paths(sender: str, recipients: tuple[str, ...]) -> None:
    paths = (sender, *recipients) if sender else recipients
    if not recipients or not all(map(_PATH.fullmatch, paths)):
        text = "An address of the envelope cannot stand in an SMTP command."
        raise PermanentFailure(Reply(LocalCode.INVALID_INPUT, text))


def _check_lines(content: bytes) -> None:
    """Let nothing pass that a server could read as the end of the mail and the start of another."""
    # Counting is as sure as a pattern and takes a hundredth of its time.
    if b"\0" in content or not content.count(b"\r\n") == content.count(b"\r") == content.count(b"\n"):
        text = "The content holds a NUL, or a CR or LF that stands alone."
        raise PermanentFailure(Reply(LocalCode.INVALID_INPUT, text))


def _check_size(size: int, limit: int | None) -> None:
    if limit is not None and size > limit:
        raise _policy(f"The message is {size} bytes, the server accepts {limit}.")


def _policy(text: str) -> PermanentFailure:
    return PermanentFailure(Reply(LocalCode.POLICY, text), Phase.MAIL)


def _none_accepted(replies: dict[str, Reply]) -> Failure:
    """Return the failure of a mail without accepted recipients: transient if any may be accepted later."""
    later = [reply for reply in replies.values() if is_temporary(reply)]
    deciding = later[0] if later else next(iter(replies.values()))
    return refused(deciding, Phase.RCPT, replies, is_transient=bool(later))
