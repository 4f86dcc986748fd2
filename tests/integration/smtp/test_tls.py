"""No downgrade: without the right TLS nothing is sent, and the message says why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tasks.contract.codes import LocalCode, Phase
from tasks.contract.security import Security
from tasks.deadline import Deadline
from tasks.failures import Failure, PermanentFailure, Receipt, TransientFailure
from tasks.smtp.trust import ClientCertificate, ServerTrust
from tasks.testing.actions import Drop, Send
from tasks.testing.offer import Offer
from tasks.testing.script import Script
from tasks.testing.server import ScriptedServer

if TYPE_CHECKING:
    from tasks.smtp.login import Login
    from tests.integration.smtp.conftest import Certificates, Desk

USERS = {"ann": "canary-password"}
AUTH = ("PIPELINING", "AUTH PLAIN LOGIN")


@pytest.fixture(params=[Security.STARTTLS, Security.IMPLICIT_TLS], ids=["STARTTLS", "implicit TLS"])
def security(request: pytest.FixtureRequest) -> Security:
    return request.param


def serving(kind: str, certificates: Certificates, security: Security, **details: object) -> Offer:
    context = getattr(certificates, kind)
    return Offer(context=context, implicit_tls=security is Security.IMPLICIT_TLS, extensions=AUTH, **details)


def test_a_mail_goes_over_tls_to_a_server_of_a_trusted_authority(
    desk: Desk, certificates: Certificates, security: Security, login: Login
) -> None:
    trust = ServerTrust(ca_file=certificates.ca_file)
    with ScriptedServer(offer=serving("right", certificates, security, users=USERS)) as server:
        answers = desk.send(server, desk.mail(), desk.mail(), security=security, trust=trust, login=login)

    assert all(isinstance(answer, Receipt) for answer in answers)
    assert [attempt.was_encrypted for attempt in server.logins] == [True]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("wrong_name", "is not for this IP address"),
        ("expired", "has expired"),
        ("unknown_ca", "authority that is not trusted"),
    ],
    ids=["wrong name", "expired", "unknown authority"],
)
def test_t1_a_certificate_that_is_not_right_ends_the_session_before_login_and_mail(  # noqa: PLR0913, PLR0917  # fixtures
    desk: Desk, certificates: Certificates, security: Security, login: Login, kind: str, words: str
) -> None:
    trust = ServerTrust(ca_file=certificates.ca_file)
    with ScriptedServer(offer=serving(kind, certificates, security, users=USERS)) as server:
        (answer,) = desk.send(server, desk.mail(), security=security, trust=trust, login=login)

    assert isinstance(answer, PermanentFailure)
    assert (answer.reply.code, answer.phase) == (LocalCode.TLS, Phase.TLS)
    assert words in answer.reply.text
    assert server.logins == []
    assert server.count("MAIL") == 0


def test_t1_the_systems_authorities_do_not_vouch_for_a_private_one(
    desk: Desk, certificates: Certificates, security: Security
) -> None:
    with ScriptedServer(offer=serving("right", certificates, security)) as server:
        (answer,) = desk.send(server, desk.mail(), security=security)

    assert isinstance(answer, PermanentFailure)
    assert "ca:<file>" in answer.hint


def test_a_host_whose_certificate_is_not_asked_for_is_still_encrypted(
    desk: Desk, certificates: Certificates, security: Security
) -> None:
    with ScriptedServer(offer=serving("unknown_ca", certificates, security)) as server:
        (answer,) = desk.send(server, desk.mail(), security=security, trust=ServerTrust(verify=False))

    assert isinstance(answer, Receipt)


def test_a_pin_accepts_its_certificate_whoever_signed_it(
    desk: Desk, certificates: Certificates, security: Security
) -> None:
    trust = ServerTrust(sha256_pins=frozenset({certificates.sha256.upper()}))
    with ScriptedServer(offer=serving("right", certificates, security)) as server:
        first = desk.send_one(server, security=security, trust=trust)
        desk.transport.close()
        second = desk.send_one(server, security=security, trust=trust)

    assert isinstance(first, Receipt)
    assert isinstance(second, Receipt)
    assert len(server.transcripts) == 2


def test_a_pin_refuses_every_other_certificate(
    desk: Desk, certificates: Certificates, security: Security
) -> None:
    trust = ServerTrust(verify=False, sha256_pins=frozenset({"0" * 64}))
    with ScriptedServer(offer=serving("right", certificates, security)) as server:
        (answer,) = desk.send(server, desk.mail(), security=security, trust=trust)

    assert isinstance(answer, PermanentFailure)
    assert "pinned" in answer.reply.text
    assert server.count("MAIL") == 0


def test_t2_starttls_that_is_not_offered_ends_the_session(desk: Desk, login: Login) -> None:
    with ScriptedServer(offer=Offer(extensions=AUTH, users=USERS)) as server:
        (answer,) = desk.send(server, desk.mail(), security=Security.STARTTLS, login=login)

    assert isinstance(answer, PermanentFailure)
    assert (answer.reply.code, answer.phase) == (LocalCode.STARTTLS_MISSING, Phase.TLS)
    assert server.commands == ["EHLO client.example.com"]


@pytest.mark.parametrize(
    ("reply", "code"),
    [("454 4.7.0 TLS not available", 454), ("500 5.5.1 what?", 500)],
    ids=["for now", "for good"],
)
def test_t2_starttls_that_is_refused_ends_the_session(
    desk: Desk, certificates: Certificates, reply: str, code: int
) -> None:
    offer = Offer(context=certificates.right)
    with ScriptedServer(Script(starttls=reply), offer) as server:
        (answer,) = desk.send(server, desk.mail(), security=Security.STARTTLS)

    assert type(answer) is (TransientFailure if code < 500 else PermanentFailure)
    assert answer.reply.code == code
    assert server.count("MAIL") == 0


@pytest.mark.parametrize(
    "injected",
    [
        b"220 go\r\n250-evil\r\n250 AUTH PLAIN\r\n",
        b"220 go\r\n\x00\x01\x02",
        b"220 go\r\n235 ok\r\n250 ok\r\n",
    ],
    ids=["an EHLO answer", "garbage", "replies"],
)
def test_t2_what_comes_in_clear_after_the_answer_to_starttls_ends_the_session(
    desk: Desk, certificates: Certificates, login: Login, injected: bytes
) -> None:
    offer = Offer(context=certificates.right, users=USERS)
    trust = ServerTrust(ca_file=certificates.ca_file)
    with ScriptedServer(Script(starttls=Send(injected)), offer) as server:
        (answer,) = desk.send(server, desk.mail(), security=Security.STARTTLS, login=login, trust=trust)

    assert isinstance(answer, Failure)
    assert answer.reply.code == LocalCode.TLS
    assert "in clear" in answer.reply.text
    assert server.logins == []
    assert server.commands == ["EHLO client.example.com", "STARTTLS"]


def test_t2_garbage_instead_of_the_handshake_is_a_passing_failure(
    desk: Desk, certificates: Certificates
) -> None:
    script = Script(tls=Send(b"banana, banana, banana\r\n"))
    with ScriptedServer(script, Offer(context=certificates.right)) as server:
        (answer,) = desk.send(server, desk.mail(), security=Security.STARTTLS)

    assert isinstance(answer, TransientFailure)
    assert (answer.reply.code, answer.phase) == (LocalCode.TLS, Phase.TLS)


def test_s6_a_break_in_the_handshake_is_a_passing_failure(
    desk: Desk, certificates: Certificates, security: Security
) -> None:
    with ScriptedServer(Script(tls=Drop()), serving("right", certificates, security)) as server:
        (answer,) = desk.send(server, desk.mail(), security=security)

    assert isinstance(answer, TransientFailure)
    assert (answer.reply.code, answer.phase) == (LocalCode.TLS, Phase.TLS)


def test_s6_a_break_instead_of_an_answer_to_starttls_is_a_passing_failure(
    desk: Desk, certificates: Certificates
) -> None:
    with ScriptedServer(Script(starttls=Drop()), Offer(context=certificates.right)) as server:
        (answer,) = desk.send(server, desk.mail(), security=Security.STARTTLS)

    assert isinstance(answer, TransientFailure)
    assert answer.phase is Phase.TLS


def test_t3_a_server_of_old_tls_only_is_refused(
    desk: Desk, certificates: Certificates, security: Security
) -> None:
    trust = ServerTrust(verify=False)
    with ScriptedServer(offer=serving("old_tls", certificates, security)) as server:
        (answer,) = desk.send(server, desk.mail(), security=security, trust=trust)

    assert isinstance(answer, PermanentFailure)
    assert answer.reply.code == LocalCode.TLS
    assert "TLS 1.2" in answer.hint


def test_t4_implicit_tls_to_a_plain_port_names_the_mistake(desk: Desk) -> None:
    with ScriptedServer() as server:
        (answer,) = desk.send(server, desk.mail(), security=Security.IMPLICIT_TLS)

    assert isinstance(answer, PermanentFailure)
    assert answer.reply.code == LocalCode.TLS
    assert answer.hint == f"Port {server.port} speaks plain SMTP first: use TLS (STARTTLS)."
    assert desk.seconds < 1


def test_t4_starttls_to_a_port_of_implicit_tls_names_the_mistake(
    desk: Desk, certificates: Certificates
) -> None:
    with ScriptedServer(offer=Offer(context=certificates.right, implicit_tls=True)) as server:
        (answer,) = desk.send(server, desk.mail(budget=0.5), security=Security.STARTTLS)

    assert isinstance(answer, TransientFailure)
    assert answer.hint == f"If port {server.port} speaks implicit TLS, use SSL."


def test_a_server_that_wants_a_client_certificate_gets_it(
    desk: Desk, certificates: Certificates, security: Security
) -> None:
    shown = ClientCertificate(certificates.client_file)
    trust = ServerTrust(ca_file=certificates.ca_file)
    with ScriptedServer(offer=serving("wants_client", certificates, security)) as server:
        answer = desk.send_one(server, security=security, trust=trust, client_certificate=shown)
        without = desk.send_one(server, security=security, trust=trust)

    assert isinstance(answer, Receipt)
    assert isinstance(without, Failure)
    assert len(server.mails) == 1


def test_a_trust_file_that_is_not_there_fails_for_good(desk: Desk, certificates: Certificates) -> None:
    trust = ServerTrust(ca_file=certificates.ca_file.with_name("missing.pem"))
    with ScriptedServer(offer=Offer(context=certificates.right)) as server:
        (answer,) = desk.send(server, desk.mail(), security=Security.STARTTLS, trust=trust)

    assert isinstance(answer, PermanentFailure)
    assert answer.reply.code == LocalCode.TLS


def test_verifying_tells_what_a_mail_would_meet(
    desk: Desk, certificates: Certificates, security: Security, login: Login
) -> None:
    with ScriptedServer(offer=serving("right", certificates, security, users=USERS)) as server:
        trust = ServerTrust(ca_file=certificates.ca_file)
        route = desk.route(server, security=security, trust=trust, login=login)
        facts = desk.transport.verify(route, Deadline.after(5))

    assert facts.tls_version == "TLSv1.3"
    assert facts.mechanism == "PLAIN"
    assert facts.certificate is not None
    assert facts.certificate.is_verified
    assert facts.certificate.sha256 == certificates.sha256
    assert "localhost" in facts.certificate.names
    assert facts.certificate.expires is not None
    assert server.count("MAIL") == 0


def test_verifying_raises_what_a_mail_would_end_with(desk: Desk) -> None:
    with ScriptedServer() as server, pytest.raises(PermanentFailure) as failed:
        desk.transport.verify(desk.route(server, security=Security.STARTTLS), Deadline.after(5))

    assert failed.value.reply.code == LocalCode.STARTTLS_MISSING


def test_a_second_connection_resumes_the_tls_session_of_the_first(
    desk: Desk, certificates: Certificates, security: Security
) -> None:
    trust = ServerTrust(ca_file=certificates.ca_file)
    with ScriptedServer(offer=serving("right", certificates, security)) as server:
        before = certificates.right.session_stats()["hits"]
        for _ in range(3):
            answer = desk.send_one(server, security=security, trust=trust)
            desk.transport.close()

    assert isinstance(answer, Receipt)
    assert certificates.right.session_stats()["hits"] == before + 2
