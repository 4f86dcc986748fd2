"""From a server's reply, or from what an operation on a connection raised, to our failures."""

from __future__ import annotations

import socket
import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from tasks.contract.codes import LocalCode, Phase
from tasks.failures import Failure, PermanentFailure, Reply, TransientFailure, Unconfirmed
from tasks.smtp import hints, reply_texts
from tasks.smtp.replies import RawReply, Verdict, is_temporary, meaning, read
from tasks.smtp.wire import ConnectionLost, ProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: What can end an operation on a connection; everything else is a bug.
BREAKS: Final = (OSError, ProtocolError, UnicodeError)

_UNKNOWN: Final = Reply(
    LocalCode.UNKNOWN,
    "The server received the whole message but its answer never arrived; it may have been delivered.",
)


class LeaseLost(TransientFailure):
    """The mail is no longer this worker's, which was told so just before the final dot; it was not sent."""

    def __init__(self) -> None:
        super().__init__(Reply(LocalCode.INTERNAL, "lease lost"), Phase.DATA)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (), self.__dict__.copy()


def refusal(raw: RawReply, phase: Phase, recipients: Mapping[str, Reply] | None = None) -> Failure:
    """Return the failure that *raw*, which is no acceptance, means in *phase*."""
    match meaning(raw, phase):
        case Verdict.TRANSIENT:
            return refused(read(raw), phase, recipients, is_transient=True)
        case Verdict.PERMANENT:
            return refused(read(raw), phase, recipients, is_transient=False)
        case _ if phase is Phase.FINAL:
            return unconfirmed(recipients)
        case _:
            reply = Reply(LocalCode.PROTOCOL, f"The server's reply {raw.code} makes no sense here.")
            return TransientFailure(reply, phase, recipients=recipients)


def refused(
    reply: Reply, phase: Phase, recipients: Mapping[str, Reply] | None = None, *, is_transient: bool
) -> Failure:
    """Return the failure for a refusal that the server gave as *reply*."""
    hint = hints.for_reply(reply)
    if is_transient:
        pause = reply_texts.retry_after(reply.text)
        return TransientFailure(reply, phase, recipients=recipients, retry_after=pause, hint=hint)
    return PermanentFailure(reply, phase, recipients=recipients, hint=hint)


def none_accepted(replies: dict[str, Reply]) -> Failure:
    """Return the failure of a mail without accepted recipients: transient if any may be accepted later."""
    later = [reply for reply in replies.values() if is_temporary(reply)]
    deciding = later[0] if later else next(iter(replies.values()))
    return refused(deciding, Phase.RCPT, replies, is_transient=bool(later))


def unconfirmed(recipients: Mapping[str, Reply] | None = None) -> Unconfirmed:
    """Return the failure for a final dot that got no answer (RFC 1047)."""
    return Unconfirmed(_UNKNOWN, Phase.FINAL, recipients=recipients)


def time_over(phase: Phase, waited_for: str) -> TransientFailure:
    """Return the failure for a time budget that was used up before the final dot."""
    return TransientFailure(
        Reply(LocalCode.TIME_OVER, f"The time budget was used up while waiting for {waited_for}."), phase
    )


def broken(error: BaseException, phase: Phase, waited_for: str) -> Failure:
    """Return the failure for an operation that raised *error* before the final dot."""
    if isinstance(error, Failure):
        return error
    if isinstance(error, ConnectionLost) and error.last_words:
        return refusal(error.last_words, phase)
    if isinstance(error, ssl.SSLCertVerificationError):
        return PermanentFailure(Reply(LocalCode.TLS, "The server's certificate was refused."), phase)
    return TransientFailure(_local_reply(error, waited_for), phase)


def _local_reply(error: BaseException, waited_for: str) -> Reply:
    match error:
        case ssl.SSLError():
            code, text = LocalCode.TLS, f"TLS broke: {ssl_reason(error)}."
        case socket.gaierror() | socket.herror():
            code, text = LocalCode.DNS, "The host's name could not be resolved."
        case TimeoutError():
            code, text = LocalCode.TIME_OVER, f"The time budget was used up while waiting for {waited_for}."
        case ProtocolError():
            code, text = LocalCode.PROTOCOL, str(error)
        case OSError():
            code = LocalCode.CONNECT
            text = f"The connection was lost while waiting for {waited_for}: {os_reason(error)}."
        case _:
            code, text = LocalCode.INTERNAL, f"An error of this program ({type(error).__name__})."
    return Reply(code, text)


@contextmanager
def during(phase: Phase, waited_for: str) -> Iterator[None]:
    """Turn whatever a server, a network or a certificate does in the block into a Failure of *phase*."""
    try:
        yield
    except BREAKS as error:
        raise broken(error, phase, waited_for) from error


def os_reason(error: OSError) -> str:
    """Return the operating system's word for *error*, without the addresses that it may hold."""
    return (error.strerror or str(error) or type(error).__name__).lower()


def ssl_reason(error: ssl.SSLError) -> str:
    """Return OpenSSL's word for *error*; those that Python raises itself have none."""
    return (getattr(error, "reason", None) or "connection closed").replace("_", " ").lower()
