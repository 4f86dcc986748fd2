"""Logins: which mechanism, under what protection, and what follows a refusal."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from tasks.contract.codes import LocalCode, Phase
from tasks.contract.security import Security
from tasks.failures import PermanentFailure, Receipt, TransientFailure
from tasks.smtp import opening
from tasks.smtp.login import Login, Mechanism
from tasks.smtp.secret_sources import FileSecret, StaticSecret
from tasks.smtp.transport import SmtpTransport
from tasks.smtp.trust import ServerTrust
from tasks.testing.actions import Drop, Say
from tasks.testing.offer import Offer
from tasks.testing.script import Script
from tasks.testing.server import ScriptedServer
from tests.integration.smtp.conftest import Desk

if TYPE_CHECKING:
    from pathlib import Path

    from tasks.deadline import Deadline
    from tests.integration.smtp.conftest import Certificates

USERS = {"ann": "canary-password"}
TOKEN = StaticSecret(SecretStr("canary-password"), gives_tokens=True)
PASSWORD = StaticSecret(SecretStr("canary-password"))
WRONG = StaticSecret(SecretStr("canary-wrong"))


@dataclass(frozen=True)
class Rotated:
    """A source whose secret was replaced after it was first read."""

    gives_tokens: bool = True
    asked: list[bool] = field(default_factory=list, compare=False)

    def secret(self, deadline: Deadline, *, fresh: bool = False) -> SecretStr:
        assert not deadline.is_over
        self.asked.append(fresh)
        return SecretStr("canary-password" if fresh else "canary-old")


def offering(*mechanisms: str) -> Offer:
    return Offer(extensions=("PIPELINING", f"AUTH {' '.join(mechanisms)}"), users=USERS)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2", "OAUTHBEARER"])
def test_every_mechanism_logs_in_where_it_is_chosen(desk: Desk, mechanism: str) -> None:
    with ScriptedServer(offer=offering(mechanism)) as server:
        answer = desk.send_one(server, login=Login("ann", Mechanism(mechanism), PASSWORD))

    assert isinstance(answer, Receipt)
    assert [attempt.mechanism for attempt in server.logins] == [mechanism]


@pytest.mark.parametrize(
    ("offered", "secret", "chosen"),
    [
        (("CRAM-MD5", "LOGIN", "PLAIN", "XOAUTH2"), PASSWORD, "PLAIN"),
        (("CRAM-MD5", "LOGIN"), PASSWORD, "LOGIN"),
        (("PLAIN", "OAUTHBEARER", "XOAUTH2"), TOKEN, "XOAUTH2"),
        (("PLAIN", "OAUTHBEARER"), TOKEN, "OAUTHBEARER"),
    ],
    ids=["PLAIN first", "then LOGIN", "a token by XOAUTH2", "else by OAUTHBEARER"],
)
def test_the_best_mechanism_of_both_sides_is_taken(
    desk: Desk, offered: tuple[str, ...], secret: StaticSecret, chosen: str
) -> None:
    with ScriptedServer(offer=offering(*offered)) as server:
        desk.send_one(server, login=Login("ann", Mechanism.AUTO, secret))

    assert [attempt.mechanism for attempt in server.logins] == [chosen]


def test_the_old_way_of_offering_logins_is_understood(desk: Desk, login: Login) -> None:
    with ScriptedServer(offer=Offer(extensions=("AUTH=LOGIN",), users=USERS)) as server:
        answer = desk.send_one(server, login=login)

    assert isinstance(answer, Receipt)


def test_long_passwords_do_not_go_on_the_line_of_auth(desk: Desk) -> None:
    long = "x" * 600
    with ScriptedServer(offer=Offer(extensions=("AUTH PLAIN",), users={"ann": long})) as server:
        answer = desk.send_one(server, login=Login("ann", Mechanism.PLAIN, StaticSecret(SecretStr(long))))

    assert isinstance(answer, Receipt)


@pytest.mark.parametrize(
    ("extensions", "mechanism"),
    [
        (("SIZE",), Mechanism.AUTO),
        (("AUTH CRAM-MD5 XOAUTH2",), Mechanism.AUTO),
        (("AUTH PLAIN",), Mechanism.LOGIN),
    ],
    ids=["none offered", "none in common", "not the chosen one"],
)
def test_t5_without_a_common_mechanism_no_password_is_sent(
    desk: Desk, extensions: tuple[str, ...], mechanism: Mechanism
) -> None:
    with ScriptedServer(offer=Offer(extensions=extensions)) as server:
        answer = desk.send_one(server, login=Login("ann", mechanism, PASSWORD))

    assert isinstance(answer, PermanentFailure)
    assert (answer.reply.code, answer.phase) == (LocalCode.LOGIN_IMPOSSIBLE, Phase.AUTH)
    assert server.commands == ["EHLO client.example.com"]


def test_t5_a_login_that_is_offered_in_clear_only_is_not_used(
    desk: Desk, certificates: Certificates, login: Login
) -> None:
    offer = Offer(extensions=("AUTH PLAIN",), extensions_under_tls=(), context=certificates.right)
    trust = ServerTrust(ca_file=certificates.ca_file)
    with ScriptedServer(offer=offer) as server:
        answer = desk.send_one(server, login=login, security=Security.STARTTLS, trust=trust)

    assert isinstance(answer, PermanentFailure)
    assert answer.reply.code == LocalCode.LOGIN_IMPOSSIBLE
    assert server.logins == []


def test_no_password_goes_in_clear_beyond_this_machine(
    desk: Desk, login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "is_loopback", lambda _: False)
    with ScriptedServer(offer=offering("PLAIN")) as server:
        answer = desk.send_one(server, login=login)
        allowed = desk.send_one(server, login=login, allow_plaintext_auth=True)

    assert isinstance(answer, PermanentFailure)
    assert (answer.reply.code, answer.phase) == (LocalCode.POLICY, Phase.AUTH)
    assert isinstance(allowed, Receipt)
    assert len(server.logins) == 1


def test_no_password_goes_to_a_stranger_under_tls(
    desk: Desk, login: Login, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "is_loopback", lambda _: False)
    offer = Offer(extensions=("AUTH PLAIN",), context=certificates.unknown_ca, users=USERS)
    with ScriptedServer(offer=offer) as server:
        answer = desk.send_one(
            server, login=login, security=Security.STARTTLS, trust=ServerTrust(verify=False)
        )

    assert isinstance(answer, PermanentFailure)
    assert answer.reply.code == LocalCode.POLICY
    assert "sha256:" in answer.hint
    assert server.logins == []


def test_a_refused_password_fails_for_good_and_then_logins_pause(desk: Desk) -> None:
    login = Login("ann", Mechanism.AUTO, WRONG)
    with ScriptedServer(offer=offering("PLAIN")) as server:
        first, second = desk.send_one(server, login=login), desk.send_one(server, login=login)

    assert isinstance(first, PermanentFailure)
    assert (first.reply.code, first.reply.enhanced_status, first.phase) == (535, "5.7.8", Phase.AUTH)
    assert isinstance(second, TransientFailure)
    assert second.reply == first.reply
    assert second.retry_after is not None
    assert 55 < second.retry_after <= 60
    assert len(server.logins) == 1
    assert "canary" not in f"{first!r}{first}{first.hint}{first.__cause__!r}{login!r}"


def test_threads_with_a_wrong_password_cost_one_refused_login(desk: Desk) -> None:
    login = Login("ann", Mechanism.AUTO, WRONG)
    with ScriptedServer(Script(auth=Say("535 no", delay=0.1)), offering("PLAIN")) as server:
        threads = [
            threading.Thread(target=desk.send_one, args=(server,), kwargs={"login": login}) for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(server.logins) == 1


def test_logins_go_on_after_the_pause() -> None:
    clock = [1000.0]
    desk = Desk(SmtpTransport(clock=lambda: clock[0]))
    login = Login("ann", Mechanism.AUTO, PASSWORD)
    with ScriptedServer(Script(auth=("535 5.7.8 no",)), offering("PLAIN")) as server:
        refused = desk.send_one(server, login=login)
        clock[0] += 61
        again = desk.send_one(server, login=login)
        desk.transport.close()

    assert isinstance(refused, PermanentFailure)
    assert isinstance(again, Receipt)


@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER", "PLAIN"])
def test_a_refused_secret_is_fetched_afresh_and_tried_once_more(desk: Desk, mechanism: str) -> None:
    source = Rotated()
    with ScriptedServer(offer=offering(mechanism)) as server:
        answer = desk.send_one(server, login=Login("ann", Mechanism(mechanism), source))

    assert isinstance(answer, Receipt)
    assert source.asked == [False, True]
    assert [attempt.secret for attempt in server.logins] == ["canary-old", "canary-password"]


def test_a_rotated_password_file_needs_no_restart(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("canary-password\n")
    login = Login("ann", Mechanism.AUTO, FileSecret(path))
    with ScriptedServer(offer=offering("PLAIN")) as server:
        first = desk.send_one(server, login=login)
        desk.transport.close()
        USERS_ROTATED = {"ann": "canary-new"}  # noqa: N806  # as USERS
        path.write_text("canary-new\n")
    with ScriptedServer(offer=Offer(extensions=("AUTH PLAIN",), users=USERS_ROTATED)) as server:
        second = desk.send_one(server, login=login)

    assert isinstance(first, Receipt)
    assert isinstance(second, Receipt)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ("454 4.7.0 temporary authentication failure", TransientFailure),
        ("432 4.7.12 password transition needed", TransientFailure),
        ("421 4.3.0 busy", TransientFailure),
        (Drop(), TransientFailure),
        ("550 5.7.30 Basic authentication is not supported for Client Submission.", PermanentFailure),
        ("250-what\n250 is this", Receipt),
    ],
    ids=["454", "432", "421", "dropped", "550", "250"],
)
def test_other_answers_to_a_login_mean_what_their_class_says(
    desk: Desk, login: Login, reply: str, kind: type
) -> None:
    with ScriptedServer(Script(auth=reply, mail=("250 ok",)), offering("PLAIN")) as server:
        answer = desk.send_one(server, login=login)

    assert type(answer) is kind


def test_a_server_that_wants_tokens_says_so_in_the_hint(desk: Desk, login: Login) -> None:
    reply = "535 5.7.139 Authentication unsuccessful, basic authentication is disabled."
    with ScriptedServer(Script(auth=reply), offering("PLAIN")) as server:
        answer = desk.send_one(server, login=login)

    assert isinstance(answer, PermanentFailure)
    assert "XOAUTH2" in answer.hint


def test_without_a_login_no_auth_is_tried(desk: Desk) -> None:
    with ScriptedServer(offer=Offer(extensions=("AUTH PLAIN",))) as server:
        answer = desk.send_one(server)

    assert isinstance(answer, Receipt)
    assert server.count("AUTH") == 0
