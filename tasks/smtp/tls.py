"""TLS: contexts, the handshake, and what is wrong where it fails."""

from __future__ import annotations

import hashlib
import ssl
import threading
from typing import TYPE_CHECKING, Final

from tasks.contract.codes import LocalCode, Phase
from tasks.contract.security import Security
from tasks.failures import Failure, PermanentFailure, Reply, TransientFailure
from tasks.smtp import hints
from tasks.smtp.faults import BREAKS, broken, ssl_reason
from tasks.smtp.secured import Secured

if TYPE_CHECKING:
    from tasks.deadline import Deadline
    from tasks.smtp.route import Route
    from tasks.smtp.trust import ClientCertificate, ServerTrust
    from tasks.smtp.wire import Wire

# OpenSSL's numbers for what is wrong with a chain (x509_vfy.h).
_CERTIFICATE_FAULTS: Final = {
    9: "is not valid yet",
    10: "has expired",
    18: "is self-signed and not trusted",
    19: "comes from an authority that is not trusted",
    20: "comes from an authority that is not trusted",
    21: "comes from an authority that is not trusted",
    23: "has been revoked",
    62: "is not for this host name",
    64: "is not for this IP address",
}
_TRUST_HINT: Final = "Trust its authority with ca:<file>, or pin the certificate with sha256:<digest>."
_NOT_TLS: Final = frozenset(
    {
        "wrong version number",
        "http request",
        "packet length too long",
        "record layer failure",
        "bad record type",
    }
)
# The two sides have no version, cipher or certificate in common, which no second try will change.
_NO_AGREEMENT: Final = (
    "unsupported protocol",
    "protocol version",
    "no protocols available",
    "handshake failure",
    "no shared cipher",
    "certificate required",
    "unknown ca",
    "bad certificate",
    "dh key too small",
)


class Handshakes:
    """
    Puts connections under TLS.

    Contexts are kept per trust, since making one reads the system's authorities for 25 ms, and the last TLS
    session per route, which saves a later connection the exchange of certificates.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._contexts: dict[tuple[ServerTrust, ClientCertificate | None], ssl.SSLContext] = {}
        self._sessions: dict[Route, ssl.SSLSession] = {}

    def secure(self, wire: Wire, route: Route, deadline: Deadline) -> None:
        """
        Put *wire* under TLS, its peer checked as the route's trust says.

        Raises:
            Failure: no TLS came about, or the certificate was refused; nothing else was sent.

        """
        context = self._context(route)
        try:
            secured = Secured(
                wire.stream.socket,
                context,
                server_hostname=route.host.rstrip("."),
                session=self._sessions.get(route),
            )
            secured.shake_hands(wire.ready, deadline)
        except (*BREAKS, ValueError) as error:
            raise _failed(error, route) from error
        _check_pin(secured.tls, route)
        wire.go_on_with(secured, secured.early)

    def remember(self, wire: Wire, route: Route) -> None:
        """Keep the TLS session of *wire* for the next connection of *route*."""
        session = wire.stream.tls.session if wire.stream.tls else None
        if session is not None:
            self._sessions[route] = session

    def _context(self, route: Route) -> ssl.SSLContext:
        key = (route.trust, route.client_certificate)
        with self._lock:
            if key not in self._contexts:
                self._contexts[key] = _make_context(*key)
            return self._contexts[key]


def digest_of(secured: ssl.SSLObject) -> str:
    """Return the SHA-256 digest of the peer's certificate, as pins are written."""
    return hashlib.sha256(secured.getpeercert(binary_form=True) or b"").hexdigest()


def _make_context(trust: ServerTrust, client: ClientCertificate | None) -> ssl.SSLContext:
    try:
        # Authorities of a file replace the system's: create_default_context loads those only without a file.
        context = ssl.create_default_context(cafile=str(trust.ca_file) if trust.ca_file else None)
        if client:
            context.load_cert_chain(client.cert_file, client.key_file)
    except OSError as error:
        reply = Reply(
            LocalCode.TLS, "The file of trusted authorities, or the client certificate, cannot be used."
        )
        raise PermanentFailure(
            reply, Phase.TLS, hint="Check that the PEM files exist and are whole."
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    if trust.sha256_pins or not trust.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _check_pin(secured: ssl.SSLObject, route: Route) -> None:
    pins = route.trust.sha256_pins
    if pins and digest_of(secured) not in {pin.lower() for pin in pins}:
        reply = Reply(LocalCode.TLS, f"The certificate of {route.host} is not the pinned one.")
        raise PermanentFailure(reply, Phase.TLS, hint="If the server got a new certificate, pin that one.")


def _failed(error: Exception, route: Route) -> Failure:
    match error:
        case ssl.SSLCertVerificationError():
            fault = _CERTIFICATE_FAULTS.get(error.verify_code, f"was refused: {error.verify_message}")
            return PermanentFailure(
                Reply(LocalCode.TLS, f"The certificate of {route.host} {fault}."), Phase.TLS, hint=_TRUST_HINT
            )
        case ssl.SSLEOFError() | ssl.SSLZeroReturnError() | ConnectionError():
            text = f"The server {route.place} closed the connection during the TLS handshake."
            return TransientFailure(Reply(LocalCode.TLS, text), Phase.TLS)
        case ssl.SSLError() if ssl_reason(error) in _NOT_TLS:
            return _spoke_no_tls(route)
        case ssl.SSLError() if any(word in ssl_reason(error) for word in _NO_AGREEMENT):
            text = f"The server {route.place} and this side agree on no TLS: {ssl_reason(error)}."
            return PermanentFailure(Reply(LocalCode.TLS, text), Phase.TLS, hint="TLS 1.2 or later is needed.")
        case ValueError() if not isinstance(error, ssl.SSLError):
            reply = Reply(LocalCode.TLS, f"{route.host!r} is no host name that a certificate could be for.")
            return PermanentFailure(reply, Phase.TLS)
        case _:
            return broken(error, Phase.TLS, "the TLS handshake")


def _spoke_no_tls(route: Route) -> Failure:
    reply = Reply(LocalCode.TLS, f"What the server {route.place} answers is no TLS.")
    if route.security is Security.IMPLICIT_TLS:
        return PermanentFailure(reply, Phase.TLS, hint=hints.for_no_tls(route))
    return TransientFailure(reply, Phase.TLS)
