"""Servers that make greeting, login or TLS as hard as they can."""

from __future__ import annotations

import socket
import ssl
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tasks.contract.codes import LocalCode, Phase
from tasks.contract.security import Security
from tasks.failures import Failure, PermanentFailure, Receipt, TransientFailure, Unconfirmed
from tasks.smtp.login import Login, Mechanism
from tasks.testing.offer import Offer
from tasks.testing.script import Script
from tasks.testing.server import ScriptedServer
from tests.integration.smtp.raw_server import ANY, LARGE, Lines, RawServer, greet, send_one

if TYPE_CHECKING:
    from tests.integration.smtp.conftest import Certificates, Desk


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (["X" + "y" * 500] * 120, None),
        (["X" + "y" * 5] * 200, LocalCode.PROTOCOL),
        (["X" + "y" * 2000] * 60, LocalCode.PROTOCOL),
    ],
    ids=["120 lines", "200 lines", "120 kB"],
)
def test_an_endless_list_of_extensions_is_cut_off(desk: Desk, lines: list[str], code: int | None) -> None:
    with ScriptedServer(offer=Offer(extensions=("PIPELINING", *lines))) as server:
        answer = desk.send_one(server)

    assert isinstance(answer, Failure if code else Receipt)
    if isinstance(answer, Failure):
        assert answer.reply.code == code


def test_odd_announcements_are_taken_for_none(desk: Desk) -> None:
    odd = (
        "pipelining",
        "SIZE -1",
        "LIMITS RCPTMAX=0 MAILMAX=x RCPTMAX=",
        "AUTH",
        "AUTH=",
        "=",
        "\tSIZE\t\t",
        "",
    )
    with ScriptedServer(offer=Offer(extensions=odd)) as server:
        answers = desk.send(server, desk.mail("ann@example.com", "bob@example.com"), desk.mail())

    assert all(isinstance(answer, Receipt) for answer in answers)
    assert len(server.transcripts) == 1


@pytest.mark.parametrize("reply", ["500 what?", "502 5.5.2 not implemented", "504 no", "550 no"])
def test_a_server_that_knows_helo_only_gets_its_mail(desk: Desk, reply: str) -> None:
    with ScriptedServer(Script(ehlo=reply), Offer(extensions=())) as server:
        answers = desk.send(server, desk.mail(), desk.mail())

    assert all(isinstance(answer, Receipt) for answer in answers)
    assert server.count("HELO") == 1
    assert server.ahead == 0


def test_a_server_that_knows_helo_only_cannot_be_logged_in_to_nor_secured(desk: Desk, login: Login) -> None:
    with ScriptedServer(Script(ehlo="502 no"), Offer(extensions=())) as server:
        without_tls = desk.send_one(server, security=Security.STARTTLS)
        without_login = desk.send_one(server, login=login)

    assert [answer.reply.code for answer in (without_tls, without_login) if isinstance(answer, Failure)] == [
        LocalCode.STARTTLS_MISSING,
        LocalCode.LOGIN_IMPOSSIBLE,
    ]
    assert server.count("MAIL") == 0


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2", "OAUTHBEARER"])
def test_a_login_that_asks_on_and_on_is_given_up(desk: Desk, login: Login, mechanism: str) -> None:
    def behave(connection: socket.socket, lines: Lines) -> None:
        connection.sendall(b"220 hostile.example\r\n")
        lines.until(b"EHLO")
        connection.sendall(b"250-hostile.example\r\n250 AUTH " + mechanism.encode() + b"\r\n")
        while lines.one():
            connection.sendall(b"334 bW9yZQ==\r\n")

    with RawServer(behave) as server:
        chosen = Login(login.user_name, Mechanism(mechanism), login.secret)
        answer = desk.send_one(server, login=chosen)

    assert isinstance(answer, TransientFailure)
    assert (answer.reply.code, answer.phase) == (LocalCode.PROTOCOL, Phase.AUTH)


def test_a_server_that_reads_a_byte_at_a_time_uses_up_no_more_than_the_budget(desk: Desk) -> None:
    def behave(connection: socket.socket, lines: Lines) -> None:
        lines.until(b"DATA")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        connection.sendall(b"250 ok\r\n250 ok\r\n354 go\r\n")
        for _ in range(150):
            connection.recv(1)
            time.sleep(0.01)

    answer = send_one(desk, behave, body=LARGE * 100, budget=1.0)

    assert isinstance(answer, TransientFailure)
    assert (answer.reply.code, answer.phase) == (LocalCode.TIME_OVER, Phase.DATA)
    assert desk.seconds < 1.5


def test_a_connection_that_falls_out_of_tls_after_the_dot_leaves_the_outcome_open(
    desk: Desk, certificates: Certificates
) -> None:
    def behave(connection: socket.socket, _: Lines) -> None:
        secured = certificates.right.wrap_socket(connection.dup(), server_side=True)
        with secured:
            lines = Lines(secured)
            greet(secured, lines)
            lines.until(b"DATA")
            secured.sendall(b"250 ok\r\n250 ok\r\n354 go\r\n")
            lines.until(b".\r\n")
            connection.sendall(b"250 2.0.0 queued, in clear\r\n")

    with RawServer(behave) as server:
        answer = desk.send_one(server, security=Security.IMPLICIT_TLS, trust=ANY)

    assert isinstance(answer, Unconfirmed)
    assert desk.marked == ["mail-1"]


def test_a_connection_that_takes_leave_in_tls_is_closed(desk: Desk, certificates: Certificates) -> None:
    def behave(connection: socket.socket, _: Lines) -> None:
        with certificates.right.wrap_socket(connection.dup(), server_side=True) as secured:
            greet(secured, Lines(secured))
            with suppress(ssl.SSLError):
                secured.unwrap().close()

    with RawServer(behave) as server:
        answer = desk.send_one(server, security=Security.IMPLICIT_TLS, trust=ANY)

    assert isinstance(answer, TransientFailure)
    assert answer.reply.code == LocalCode.CONNECT
    assert desk.seconds < 1


def test_a_banner_that_turns_everybody_away_is_the_servers_own_verdict(desk: Desk, offer: Offer) -> None:
    with ScriptedServer(Script(banner="554-5.7.1 you are\n554 5.7.1 on a list"), offer) as server:
        answer = desk.send_one(server)

    assert isinstance(answer, PermanentFailure)
    assert (answer.reply.code, answer.reply.text, answer.phase) == (554, "you are on a list", Phase.CONNECT)
    assert server.count("EHLO") == 0
