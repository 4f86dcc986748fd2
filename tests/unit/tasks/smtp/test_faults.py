from __future__ import annotations

import pickle
import smtplib
import socket
import ssl

import pytest

from tasks.contract.codes import LocalCode, Phase
from tasks.failures import Failure, PermanentFailure, Reply, TransientFailure, Unconfirmed
from tasks.smtp.faults import BREAKS, LeaseLost, broken, during, refusal
from tasks.smtp.replies import RawReply
from tasks.smtp.wire import ConnectionLost, ProtocolError


def exceptions_of(*modules: object) -> list[type[Exception]]:
    found = {
        value
        for module in modules
        for name, value in vars(module).items()
        if not name.startswith("_") and isinstance(value, type) and issubclass(value, Exception)
    }
    return sorted(found, key=lambda kind: kind.__name__)


def make(kind: type[Exception]) -> Exception:
    """Return one without calling its constructor, whose arguments differ."""
    return kind.__new__(kind)


@pytest.mark.parametrize("kind", exceptions_of(smtplib, ssl, socket))
def test_every_exception_of_the_network_modules_is_one_of_our_failures(kind: type[Exception]) -> None:
    with pytest.raises(Failure) as failed, during(Phase.MAIL, "the answer to MAIL"):
        raise make(kind)

    assert failed.value.phase is Phase.MAIL
    assert failed.value.reply.is_local


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (TimeoutError(), TransientFailure, LocalCode.TIME_OVER),
        (ConnectionResetError(104, "Connection reset by peer"), TransientFailure, LocalCode.CONNECT),
        (ConnectionLost("closed"), TransientFailure, LocalCode.CONNECT),
        (ConnectionLost("closed", last_words=RawReply(421, (b"bye",))), TransientFailure, 421),
        (ProtocolError("banana"), TransientFailure, LocalCode.PROTOCOL),
        (socket.gaierror(-2, "unknown"), TransientFailure, LocalCode.DNS),
        (ssl.SSLError(1, "broken"), TransientFailure, LocalCode.TLS),
        (ssl.SSLCertVerificationError(1, "bad"), PermanentFailure, LocalCode.TLS),
        (ZeroDivisionError("canary"), TransientFailure, LocalCode.INTERNAL),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_what_broke_decides_code_and_kind(error: Exception, kind: type[Failure], code: int) -> None:
    failure = broken(error, Phase.RCPT, "the answer to RCPT")

    assert type(failure) is kind
    assert (failure.reply.code, failure.phase) == (code, Phase.RCPT)
    assert "canary" not in str(failure)


def test_bugs_are_not_taken_for_breaks() -> None:
    assert not issubclass(ZeroDivisionError, BREAKS)
    with pytest.raises(ZeroDivisionError), during(Phase.MAIL, "nothing"):
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("code", "phase", "kind"),
    [
        (450, Phase.MAIL, TransientFailure),
        (550, Phase.MAIL, PermanentFailure),
        (354, Phase.MAIL, TransientFailure),
        (450, Phase.FINAL, TransientFailure),
        (550, Phase.FINAL, PermanentFailure),
        (354, Phase.FINAL, Unconfirmed),
    ],
)
def test_a_refusal_is_of_the_kind_that_its_class_and_phase_say(
    code: int, phase: Phase, kind: type[Failure]
) -> None:
    assert type(refusal(RawReply(code, (b"text",)), phase)) is kind


def test_only_a_passing_refusal_can_ask_for_a_pause() -> None:
    text = b"4.7.1 try again in 60 seconds"

    assert refusal(RawReply(451, (text,)), Phase.RCPT).retry_after == 60.0
    assert refusal(RawReply(550, (text,)), Phase.RCPT).retry_after is None


def test_failures_travel_between_processes() -> None:
    failure = refusal(RawReply(550, (b"5.1.1 no",)), Phase.RCPT, {"a@example.com": Reply(550, "no", "5.1.1")})
    copy = pickle.loads(pickle.dumps(failure))  # noqa: S301  # our own

    assert (copy.reply, copy.phase, copy.recipients) == (failure.reply, failure.phase, failure.recipients)
    assert isinstance(pickle.loads(pickle.dumps(LeaseLost())), LeaseLost)  # noqa: S301  # our own
