"""What a mail becomes for a server with given extensions: its commands and its content on the wire."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tasks.contract.codes import LocalCode, Phase
from tasks.failures import NotBegun, PermanentFailure, Reply, TransientFailure
from tasks.smtp.faults import none_accepted
from tasks.smtp.replies import over_announced_limit
from tasks.smtp.stuffing import stuffed
from tasks.smtp.transaction import Transaction

if TYPE_CHECKING:
    from tasks.envelope import Envelope
    from tasks.smtp.extensions import Extensions
    from tasks.smtp.submission import Submission

_NO_SMTPUTF8: Final = Reply(LocalCode.POLICY, "The server does not support international addresses.", "5.6.7")
#: What ends an attempt at whose dot the time would be over.
TOO_LITTLE_TIME: Final = Reply(
    LocalCode.TIME_OVER, "Too little of the time budget was left to send the content."
)
# A local part without any character that could end the path or the line, or in quotes (RFC 5321, 4.1.2).
_PATH: Final = re.compile(
    r"(?:[^\s@\"<>\x00-\x1f\x7f]+|\"(?:[^\"\\\x00-\x1f\x7f]|\\[^\x00-\x1f\x7f])*\")@[^\s@\"<>\x00-\x1f\x7f]+"
)


def begin(submission: Submission, extensions: Extensions) -> Transaction:
    """
    Return the transaction of a mail with a server that offers *extensions*.

    Raises:
        PermanentFailure: the mail cannot go to such a server at all; nothing was sent.
        NotBegun: too little time is left.

    """
    require_reserve(submission, NotBegun)
    envelope = submission.envelope
    speaks_utf8 = "SMTPUTF8" in extensions.keywords
    content = envelope.content_smtputf8 if speaks_utf8 and envelope.content_smtputf8 else envelope.content
    _check_paths(envelope.sender, envelope.recipients)
    bulk, last = stuffed((content, *envelope.files))
    size = len(content) + sum(map(len, envelope.files))
    _check_size(size, extensions.size_limit)
    if not (speaks_utf8 or envelope.sender.isascii()):
        raise _policy("The server does not support the international address of the sender.")
    recipients, unasked = _asked(envelope.recipients, extensions)
    if not recipients:
        raise none_accepted(unasked)
    is_plain = content is envelope.content
    parameters = _parameters(envelope, recipients, size, extensions, is_plain=is_plain)
    mail = f"MAIL FROM:<{envelope.sender}>{parameters}".encode()
    paths = [f"RCPT TO:<{recipient}>".encode() for recipient in recipients]
    return Transaction(submission, (mail, *paths, b"DATA"), recipients, last, unasked, bulk=bulk)


def require_reserve(submission: Submission, kind: type[TransientFailure] = TransientFailure) -> None:
    """
    Let DATA not begin where the dot's reply could hardly arrive in time.

    Raises:
        TransientFailure: less than the deadline's reserve is left; it is of the *kind* that is named.

    """
    deadline = submission.deadline
    if deadline.remaining < deadline.reserve:
        raise kind(TOO_LITTLE_TIME, Phase.DATA)


def _asked(recipients: tuple[str, ...], extensions: Extensions) -> tuple[tuple[str, ...], dict[str, Reply]]:
    """Return the recipients to ask the server for, and why it is not asked for the others."""
    if not extensions.most_recipients and all(map(str.isascii, recipients)):
        return recipients, {}
    speaks_utf8 = "SMTPUTF8" in extensions
    unasked = {r: _NO_SMTPUTF8 for r in recipients if not (speaks_utf8 or r.isascii())}
    asked = tuple(r for r in recipients if r not in unasked)
    most = extensions.most_recipients or len(asked)
    unasked |= dict.fromkeys(asked[most:], over_announced_limit(most))
    return asked[:most], unasked


def _parameters(
    envelope: Envelope, recipients: tuple[str, ...], size: int, extensions: Extensions, *, is_plain: bool
) -> str:
    """Return what MAIL tells of the mail, for a server that wants to know."""
    parameters = f" SIZE={size}" if "SIZE" in extensions.keywords else ""
    if is_plain and all(map(str.isascii, (envelope.sender, *recipients))):
        return parameters
    return parameters + (" SMTPUTF8 BODY=8BITMIME" if "8BITMIME" in extensions else " SMTPUTF8")


def _check_paths(sender: str, recipients: tuple[str, ...]) -> None:
    paths = (sender, *recipients) if sender else recipients
    if not recipients or not all(map(_PATH.fullmatch, paths)):
        text = "An address of the envelope cannot stand in an SMTP command."
        raise PermanentFailure(Reply(LocalCode.INVALID_INPUT, text))


def _check_size(size: int, limit: int | None) -> None:
    if limit is not None and size > limit:
        raise _policy(f"The message is {size} bytes, the server accepts {limit}.")


def _policy(text: str) -> PermanentFailure:
    return PermanentFailure(Reply(LocalCode.POLICY, text), Phase.MAIL)
