"""From nothing to a session: connect, TLS, greeting, EHLO, STARTTLS, EHLO again, login."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from tasks.contract.codes import LocalCode, Phase
from tasks.contract.security import Security
from tasks.failures import Failure, PermanentFailure, Reply, TransientFailure
from tasks.smtp import hints
from tasks.smtp.authentication import authenticate
from tasks.smtp.dial import dial, is_loopback
from tasks.smtp.extensions import Extensions
from tasks.smtp.faults import during, refusal
from tasks.smtp.replies import Verdict, meaning
from tasks.smtp.session import Session
from tasks.smtp.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.deadline import Deadline
    from tasks.patience import Patience
    from tasks.smtp.replies import RawReply
    from tasks.smtp.route import Route
    from tasks.smtp.tls import Handshakes

#: Seconds after which silence on the port of implicit TLS is taken for a server that waits for a TLS hello.
LONGEST_SILENCE: Final = 5.0

_EHLO_UNKNOWN: Final = frozenset({500, 501, 502, 504, 550})


def open_session(route: Route, deadline: Deadline, *, handshakes: Handshakes, patience: Patience) -> Session:
    """
    Connect to the route's server and do all that comes before the login.

    Raises:
        Failure: it did not come about; no secret and no address was sent.

    """
    connection = dial(route, deadline, patience)
    session = Session(route, Wire(connection))
    with closing_on_failure(session):
        _forbid_exposed_login(session)
        if route.security is Security.IMPLICIT_TLS:
            handshakes.secure(session.wire, route, deadline)
        _greet(session, deadline)
        session.extensions = _hello(session, deadline)
        if route.security is Security.STARTTLS:
            _start_tls(session, deadline, handshakes)
            session.extensions = _hello(session, deadline)
    return session


def log_in(session: Session, deadline: Deadline) -> None:
    """
    Log in as the route says, if it does.

    Raises:
        Failure: it did not come about; the session is of no more use.

    """
    if session.route.login:
        session.mechanism = authenticate(session, session.route.login, deadline)


@contextmanager
def closing_on_failure(session: Session) -> Iterator[None]:
    """Close *session* if the block fails."""
    try:
        yield
    except BaseException:
        session.abort()
        raise


def _forbid_exposed_login(session: Session) -> None:
    route = session.route
    if not route.login or route.protects_passwords or route.allow_plaintext_auth:
        return
    if is_loopback(session.wire.stream.socket):
        return
    if route.is_encrypted:
        text = f"No password is sent to {route.host}, whose certificate is not verified."
        hint = "Pin its certificate with sha256:<digest>, or trust its authority with ca:<file>."
    else:
        text = f"No password is sent to {route.host} without TLS."
        hint = "Use TLS or SSL; allow_plaintext_auth of the account permits it otherwise."
    raise PermanentFailure(Reply(LocalCode.POLICY, text), Phase.AUTH, hint=hint)


def _greet(session: Session, deadline: Deadline) -> None:
    route = session.route
    expects_tls = hints.speaks_implicit_tls(route) and route.security is not Security.IMPLICIT_TLS
    patience = deadline.sooner(LONGEST_SILENCE) if expects_tls else deadline
    try:
        with during(Phase.CONNECT, "the server's greeting"):
            raw = session.wire.receive(patience)
    except TransientFailure as failure:
        if failure.reply.code == LocalCode.TIME_OVER:
            raise _silent(route, failure, deadline) from failure
        raise
    _expect(raw, Phase.CONNECT)


def _silent(route: Route, failure: Failure, deadline: Deadline) -> Failure:
    hint = hints.for_silence(route)
    if deadline.is_over:
        return TransientFailure(failure.reply, failure.phase, hint=hint)
    reply = Reply(LocalCode.CONNECT, f"The server {route.place} does not greet.")
    return TransientFailure(reply, Phase.CONNECT, hint=hint)


def _hello(session: Session, deadline: Deadline) -> Extensions:
    name = session.route.local_hostname.encode("ascii", "replace")
    with during(Phase.CONNECT, "the answer to EHLO"):
        raw = session.command(b"EHLO " + name, deadline)
        if raw.code in _EHLO_UNKNOWN:
            raw = session.command(b"HELO " + name, deadline)
            _expect(raw, Phase.CONNECT)
            return Extensions({})
    _expect(raw, Phase.CONNECT)
    return Extensions.of(raw)


def _start_tls(session: Session, deadline: Deadline, handshakes: Handshakes) -> None:
    route = session.route
    if "STARTTLS" not in session.extensions:
        reply = Reply(LocalCode.STARTTLS_MISSING, f"The server {route.place} does not offer STARTTLS.")
        raise PermanentFailure(reply, Phase.TLS, hint=hints.for_missing_starttls(route))
    with during(Phase.TLS, "the answer to STARTTLS"):
        raw = session.command(b"STARTTLS", deadline)
    _expect(raw, Phase.TLS)
    if session.wire.is_buffered:
        # What came in clear must not be read as if it had come under TLS (CVE-2011-0411).
        reply = Reply(LocalCode.TLS, "Something was sent in clear after the server's answer to STARTTLS.")
        raise TransientFailure(reply, Phase.TLS, hint="Somebody on the way may tamper with the connection.")
    handshakes.secure(session.wire, route, deadline)


def _expect(raw: RawReply, phase: Phase) -> None:
    if meaning(raw, phase) is not Verdict.ACCEPTED:
        raise refusal(raw, phase)
