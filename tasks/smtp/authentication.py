"""Logging in (RFC 4954): the choice of a mechanism, the exchange, and a second try with a fresh secret."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

from tasks.contract.codes import LocalCode, Phase
from tasks.failures import PermanentFailure, Reply
from tasks.smtp.faults import during, refusal
from tasks.smtp.replies import RawReply, Verdict, meaning
from tasks.smtp.sasl import script
from tasks.smtp.wire import ProtocolError

if TYPE_CHECKING:
    from pydantic import SecretStr

    from tasks.deadline import Deadline
    from tasks.smtp.extensions import Extensions
    from tasks.smtp.login import Login, Mechanism
    from tasks.smtp.session import Session

_LOGIN_REFUSED: Final = 535


def choose(login: Login, extensions: Extensions) -> Mechanism:
    """
    Return the best mechanism that both sides know.

    Raises:
        PermanentFailure: there is none; no secret has been sent.

    """
    offered = extensions.mechanisms
    for mechanism in login.preference:
        if mechanism in offered:
            return mechanism
    if not offered:
        raise _impossible("The server offers no AUTH.")
    wanted = " or ".join(login.preference)
    raise _impossible(f"The server offers no login by {wanted}, only by {', '.join(sorted(offered))}.")


def authenticate(session: Session, login: Login, deadline: Deadline) -> Mechanism:
    """
    Log in and return the mechanism that was used.

    A refused secret is asked for afresh and tried once more if it differs (a rotated password, an expired
    token); the server sees at most two tries.

    Raises:
        Failure: the login is impossible or was refused, or the connection broke.

    """
    mechanism = choose(login, session.extensions)
    secret = login.secret.secret(deadline)
    raw = _attempt(session, mechanism, login.user_name, secret, deadline)
    if raw.code == _LOGIN_REFUSED:
        fresh = login.secret.secret(deadline, fresh=True)
        if fresh != secret:
            raw = _attempt(session, mechanism, login.user_name, fresh, deadline)
    if meaning(raw, Phase.AUTH) is not Verdict.ACCEPTED:
        raise refusal(raw, Phase.AUTH)
    return mechanism


def _attempt(
    session: Session, mechanism: Mechanism, user_name: str, secret: SecretStr, deadline: Deadline
) -> RawReply:
    try:
        exchange = script(mechanism, user_name, secret.get_secret_value())
        with during(Phase.AUTH, "the answer to AUTH"):
            raw = session.command(_opening(mechanism, exchange.initial), deadline)
            for answer in exchange.answers:
                if meaning(raw, Phase.AUTH) is not Verdict.CONTINUE:
                    break
                raw = session.command(_encode(answer(_challenge(raw))), deadline)
            if meaning(raw, Phase.AUTH) is Verdict.CONTINUE:
                raise ProtocolError("The server's login asks for more than its mechanism has.")
            return raw
    except ValueError:
        # A Python in FIPS mode has no MD5. The error's own text could hold what was hashed.
        raise _impossible(f"This machine cannot compute {mechanism}.") from None


def _opening(mechanism: Mechanism, initial: bytes | None) -> bytes:
    if initial is None:
        return f"AUTH {mechanism}".encode()
    return f"AUTH {mechanism} ".encode() + (_encode(initial) or b"=")


def _challenge(raw: RawReply) -> bytes:
    try:
        return base64.b64decode(raw.lines[-1], validate=False)
    except ValueError:
        return b""


def _encode(response: bytes) -> bytes:
    return base64.b64encode(response)


def _impossible(text: str) -> PermanentFailure:
    return PermanentFailure(Reply(LocalCode.LOGIN_IMPOSSIBLE, text), Phase.AUTH)
