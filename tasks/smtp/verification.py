"""What is known of a server after connecting and logging in."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tasks.smtp.tls import digest_of

if TYPE_CHECKING:
    from tasks.contract.security import Security
    from tasks.smtp.login import Mechanism
    from tasks.smtp.session import Session


@dataclass(frozen=True, slots=True)
class Certificate:
    """
    The server's certificate.

    *sha256* is the digest that a pin is written with. *names* and *expires* are known only where the chain
    was verified, since Python does not read an unverified certificate.
    """

    sha256: str
    is_verified: bool
    names: tuple[str, ...] = ()
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    """
    The facts of one session.

    *mechanism* is None where nobody logged in, *certificate* and the TLS names where there was no TLS,
    *size_limit* (bytes) where the server names none.
    """

    host: str
    port: int
    address: str
    security: Security
    extensions: tuple[str, ...]
    mechanism: Mechanism | None = None
    size_limit: int | None = None
    tls_version: str | None = None
    cipher: str | None = None
    certificate: Certificate | None = None

    @classmethod
    def of(cls, session: Session) -> Verification:
        """Read the facts of *session*, which is open."""
        route, connection = session.route, session.wire.stream.socket
        secured = session.wire.stream.tls
        return cls(
            host=route.host,
            port=route.port,
            address=str(connection.getpeername()[0]),
            security=route.security,
            extensions=tuple(" ".join((k, *v)) for k, v in sorted(session.extensions.keywords.items())),
            mechanism=session.mechanism,
            size_limit=session.extensions.size_limit,
            tls_version=secured.version() if secured else None,
            cipher=_cipher(secured),
            certificate=_certificate(secured, is_verified=route.trust.is_checked) if secured else None,
        )


def _cipher(secured: ssl.SSLObject | None) -> str | None:
    cipher = secured.cipher() if secured else None
    return cipher[0] if cipher else None


def _certificate(secured: ssl.SSLObject, *, is_verified: bool) -> Certificate:
    fields: dict[str, Any] = secured.getpeercert() or {}
    names = tuple(str(value) for _, value in fields.get("subjectAltName", ()))
    not_after = fields.get("notAfter")
    expires = datetime.fromtimestamp(ssl.cert_time_to_seconds(not_after), UTC) if not_after else None
    return Certificate(digest_of(secured), is_verified, names, expires)
