"""Servers that get the protocol wrong in ways of their own: no mail is called sent that was not."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import pytest

from tasks.contract.codes import LocalCode, Phase
from tasks.contract.security import Security
from tasks.failures import Failure, PermanentFailure, Receipt, TransientFailure, Unconfirmed
from tasks.smtp.login import Login, Mechanism
from tasks.smtp.trust import ServerTrust
from tasks.testing.actions import Say, Send
from tasks.testing.offer import Offer
from tasks.testing.script import Script
from tasks.testing.server import ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.smtp.conftest import Certificates, Desk

ANY = ServerTrust(verify=False)
LARGE = (b"x" * 70 + b"\r\n") * 2000
HELLO = b"250-hostile.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
RESET = struct.pack("ii", 1, 0)


class RawServer:
    """Runs *behave* for each connection, with the socket and a file to read lines from."""

    def __init__(self, behave: Callable[[socket.socket, Lines], None]) -> None:
        self._behave = behave
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        self.connections = 0
        self.host, self.port = self._listener.getsockname()

    def __enter__(self) -> Self:
        self._spawn(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        for connection in self._open:
            connection.close()
        for thread in self._threads:
            thread.join(5)
        self._listener.close()

    def _spawn(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                connection.settimeout(5)
                self.connections += 1
                self._open.append(connection)
                self._spawn(self._speak, connection)

    def _speak(self, connection: socket.socket) -> None:
        with suppress(OSError, EOFError):
            self._behave(connection, Lines(connection))
        connection.close()


class Lines:
    """The client's lines."""

    def __init__(self, connection: socket.socket) -> None:
        self._file = connection.makefile("rb")

    def one(self) -> bytes:
        if not (line := self._file.readline()):
            raise EOFError
        return line

    def until(self, last: bytes) -> None:
        while not self.one().upper().startswith(last):
            pass


def greet(connection: socket.socket, lines: Lines) -> None:
    connection.sendall(b"220 hostile.example\r\n")
    lines.until(b"EHLO")
    connection.sendall(HELLO)


def send_one(desk: Desk, behave: Callable[[socket.socket, Lines], None], **details: object) -> object:
    """Return the answer of a mail to a server that greets well and then behaves so."""

    def session(connection: socket.socket, lines: Lines) -> None:
        greet(connection, lines)
        behave(connection, lines)

    with RawServer(session) as server:
        return desk.send(server, desk.mail(**details))[0]


def test_replies_that_come_byte_by_byte_are_put_together(desk: Desk, offer: Offer) -> None:
    script = Script(
        banner=Say("220-hello\n220 there", every=0.001),
        ehlo=Say("250-hostile.example\n250 PIPELINING", every=0.001),
        mail=Say("250 2.1.0 ok", every=0.001),
        dot=Say("250-2.0.0 first\n250 2.0.0 second", every=0.001),
    )
    with ScriptedServer(script, offer) as server:
        answer = desk.send_one(server)

    assert isinstance(answer, Receipt)
    assert answer.reply.text == "first second"


@pytest.mark.parametrize(
    ("replies", "code"),
    [
        (b"250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n", LocalCode.PROTOCOL),
        (b"250 ok\r\n354 go\r\n", LocalCode.PROTOCOL),
        (b"354 go\r\n", LocalCode.PROTOCOL),
        (b"250 ok\r\n250 ok\r\n250 queued as 4711\r\n", LocalCode.PROTOCOL),
        (b"250 ok\r\n250 ok\r\n354 go\r\n354 go\r\n", LocalCode.PROTOCOL),
        (b"250 ok\r\n250 ok\r\n354 go\r\n250 queued as 4711\r\n", LocalCode.PROTOCOL),
        (b"250 ok\r\n250 ok\r\n354-go\r\n250 queued as 4711\r\n", LocalCode.PROTOCOL),
        (b"250 ok\r\n250-ok\r\n550 no\r\n354 go\r\n", LocalCode.PROTOCOL),
        (b"250\tok\r\n", LocalCode.PROTOCOL),
        (b"250 ok\r\n250 ok\r\n", LocalCode.TIME_OVER),
        (b"250 ok\r", LocalCode.TIME_OVER),
    ],
    ids=[
        "one reply too many",
        "one reply too few",
        "354 to MAIL",
        "250 to DATA",
        "354 twice",
        "250 for a dot that was not sent",
        "354 and 250 in one reply",
        "250 and 550 in one reply",
        "a tab behind the code",
        "no reply to DATA",
        "a CR and no LF",
    ],
)
def test_replies_that_do_not_fit_the_commands_send_nothing(desk: Desk, replies: bytes, code: int) -> None:
    got: list[bytes] = []

    def behave(connection: socket.socket, lines: Lines) -> None:
        lines.until(b"DATA")
        connection.sendall(replies)
        while True:
            got.append(lines.one())

    answer = send_one(desk, behave, budget=1.0)

    assert isinstance(answer, TransientFailure)
    assert answer.reply.code == code
    assert got == []
    assert desk.marked == []


def test_an_acceptance_in_mid_content_is_none(desk: Desk) -> None:
    def behave(connection: socket.socket, lines: Lines) -> None:
        lines.until(b"DATA")
        # The kernel's buffers do not hold the content: it cannot be out before the server reads on.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 128 * 1024)
        connection.sendall(b"250 ok\r\n250 ok\r\n354 go\r\n")
        lines.one()
        connection.sendall(b"250 queued as 4711\r\n")
        lines.until(b".")

    answer = send_one(desk, behave, body=LARGE * 80, budget=30)

    assert isinstance(answer, TransientFailure)
    assert answer.reply.code == LocalCode.PROTOCOL
    assert desk.marked == []


def test_a_refusal_in_mid_content_is_read_although_the_server_takes_no_more_until_time_is_over(
    desk: Desk,
) -> None:
    is_over = threading.Event()

    def behave(connection: socket.socket, lines: Lines) -> None:
        greet(connection, lines)
        lines.until(b"DATA")
        connection.sendall(b"250 ok\r\n250 ok\r\n354 go\r\n")
        lines.one()
        connection.sendall(b"552 5.3.4 too big\r\n")
        is_over.wait(10)

    with RawServer(behave) as server:
        (answer,) = desk.send(server, desk.mail(body=LARGE * 80, budget=1.0))
        is_over.set()

    assert isinstance(answer, PermanentFailure)
    assert (answer.reply.code, answer.reply.text, answer.phase) == (552, "too big", Phase.DATA)
    assert desk.seconds < 1.5
    assert desk.marked == []


def test_what_a_server_adds_to_the_answer_of_one_mail_is_not_the_next_ones(desk: Desk, offer: Offer) -> None:
    script = Script(dot=(Send(b"250 2.0.0 queued\r\n250 2.0.0 queued again\r\n250 and again\r\n"),))
    with ScriptedServer(script, offer) as server:
        answers = desk.send(server, desk.mail("ann@example.com"), desk.mail("bob@example.com"))
        third = desk.send_one(server)

    assert isinstance(answers[0], Receipt)
    assert isinstance(answers[1], (Receipt, TransientFailure))
    assert isinstance(third, Receipt)
    sent = [mail.recipients[0] for mail in server.mails]
    assert sent.count("bob@example.com") == isinstance(answers[1], Receipt)


@pytest.mark.parametrize("farewell", [b"", b"421 4.3.2 enough\r\n"], ids=["silently", "with 421"])
def test_an_acceptance_stands_although_the_connection_is_reset_behind_it(desk: Desk, farewell: bytes) -> None:
    def behave(connection: socket.socket, lines: Lines) -> None:
        greet(connection, lines)
        lines.until(b"DATA")
        connection.sendall(b"250 ok\r\n250 ok\r\n354 go\r\n")
        lines.until(b".\r\n")
        connection.sendall(b"250 2.0.0 queued\r\n" + farewell)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    with RawServer(behave) as server:
        answers = desk.send(server, *(desk.mail() for _ in range(5)))

    assert all(isinstance(answer, Receipt) for answer in answers)
    assert server.connections == 5


def test_a_server_that_stops_talking_but_goes_on_listening_is_left(desk: Desk) -> None:
    def behave(connection: socket.socket, lines: Lines) -> None:
        connection.shutdown(socket.SHUT_WR)
        while True:
            lines.one()

    answer = send_one(desk, behave)

    assert isinstance(answer, TransientFailure)
    assert answer.reply.code == LocalCode.CONNECT
    assert desk.seconds < 1


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


def test_control_characters_of_a_reply_reach_nobody(desk: Desk, offer: Offer) -> None:
    reply = b"550 5.7.1 \x1b[31mred\x07\x00 \xff\xfe \xe2\x80\xae ann.example@example.com\x7f\r\n"
    with ScriptedServer(Script(mail=(Send(reply),)), offer) as server:
        answer = desk.send_one(server)

    assert isinstance(answer, PermanentFailure)
    assert answer.reply.text.isprintable()
    assert "ann.example" not in answer.reply.text
