"""Routes, mails and certificates for tests against a scripted server."""

from __future__ import annotations

import hashlib
import ssl
import time
import warnings
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from pydantic import SecretStr

from tasks.contract.security import Security
from tasks.deadline import Deadline
from tasks.envelope import Envelope
from tasks.smtp.login import Login, Mechanism
from tasks.smtp.route import Route
from tasks.smtp.secret_sources import StaticSecret
from tasks.smtp.submission import Submission
from tasks.smtp.transport import SmtpTransport
from tasks.smtp.trust import ServerTrust
from tasks.testing.offer import Offer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tasks.failures import Answer
    from tasks.testing.server import ScriptedServer

PLAIN = ("8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES")


@dataclass
class Desk:
    """Sends mails as a test wants them, and notes which were marked and how long it took."""

    transport: SmtpTransport
    budget: float = 5.0
    marked: list[str] = field(default_factory=list)
    seconds: float = 0.0
    count: int = 0

    def mail(self, *recipients: str, body: bytes = b"hello\r\n", **details: Any) -> Submission:
        self.count += 1
        name = f"mail-{self.count}"
        content = b"Message-ID: <" + name.encode() + b"@example.com>\r\nSubject: x\r\n\r\n" + body
        budget = details.pop("budget", self.budget)
        values = {"sender": "desk@example.com", "recipients": recipients or ("ann@example.com",), **details}
        return Submission(name, Envelope(content=content, **values), Deadline.after(budget))

    def route(self, server: ScriptedServer, **details: Any) -> Route:
        values: dict[str, Any] = {
            "account": "default",
            "host": server.host,
            "port": server.port,
            "security": Security.NONE,
            "trust": ServerTrust(),
            "login": None,
            "local_hostname": "client.example.com",
        }
        return Route(**(values | details))

    def send(self, server: ScriptedServer, *run: Submission, **details: Any) -> list[Answer]:
        start = time.monotonic()
        try:
            return self.transport.submit(self.route(server, **details), run, mark=self.mark)
        finally:
            self.seconds = time.monotonic() - start

    def send_one(self, server: ScriptedServer, **details: Any) -> Answer:
        return self.send(server, self.mail(), **details)[0]

    def mark(self, run: Sequence[Submission]) -> list[bool]:
        self.marked += [submission.mail_id for submission in run]
        return [True for _ in run]


@pytest.fixture
def transport() -> Iterator[SmtpTransport]:
    transport = SmtpTransport()
    yield transport
    transport.close()


@pytest.fixture
def desk(transport: SmtpTransport) -> Desk:
    return Desk(transport)


@pytest.fixture(params=[("PIPELINING", *PLAIN), PLAIN], ids=["pipelined", "in-lockstep"])
def offer(request: pytest.FixtureRequest) -> Offer:
    """A server's offer with and without PIPELINING: every outcome must be the same with both."""
    return Offer(extensions=request.param)


@dataclass(frozen=True)
class Certificates:
    """A certificate authority's file, and server contexts with certificates of several kinds."""

    ca_file: Path
    right: ssl.SSLContext
    wrong_name: ssl.SSLContext
    expired: ssl.SSLContext
    unknown_ca: ssl.SSLContext
    old_tls: ssl.SSLContext
    wants_client: ssl.SSLContext
    sha256: str
    client_file: Path


def _context(certificate: trustme.LeafCert, **versions: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    for name, version in versions.items():
        setattr(context, name, version)
    return context


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("certificates")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    right = authority.issue_cert("127.0.0.1", "localhost")
    yesterday = datetime.now(UTC) - timedelta(days=1)
    expired = authority.issue_cert("127.0.0.1", not_after=yesterday, not_before=yesterday - timedelta(days=9))
    client = authority.issue_cert("client.example.com")
    client.private_key_and_cert_chain_pem.write_to_path(str(folder / "client.pem"))
    wants_client = _context(right)
    wants_client.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(wants_client)
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    right.configure_cert(old)
    old.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    der = ssl.PEM_cert_to_DER_cert(right.cert_chain_pems[0].bytes().decode())
    return Certificates(
        ca_file=folder / "ca.pem",
        right=_context(right),
        wrong_name=_context(authority.issue_cert("mail.elsewhere.example")),
        expired=_context(expired),
        unknown_ca=_context(trustme.CA().issue_cert("127.0.0.1")),
        old_tls=old,
        wants_client=wants_client,
        sha256=hashlib.sha256(der).hexdigest(),
        client_file=folder / "client.pem",
    )


@pytest.fixture
def login() -> Login:
    return Login("ann", Mechanism.AUTO, StaticSecret(SecretStr("canary-password")))
