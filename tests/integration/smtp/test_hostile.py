"""Servers that get the protocol wrong in ways of their own: no mail is called sent that was not."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from tasks.contract.codes import LocalCode, Phase
from tasks.failures import PermanentFailure, Receipt, TransientFailure
from tasks.testing.actions import Say, Send
from tasks.testing.script import Script
from tasks.testing.server import ScriptedServer
from tests.integration.smtp.raw_server import LARGE, RESET, Lines, RawServer, greet, send_one

if TYPE_CHECKING:
    from tasks.testing.offer import Offer
    from tests.integration.smtp.conftest import Desk


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


def test_control_characters_of_a_reply_reach_nobody(desk: Desk, offer: Offer) -> None:
    reply = b"550 5.7.1 \x1b[31mred\x07\x00 \xff\xfe \xe2\x80\xae ann.example@example.com\x7f\r\n"
    with ScriptedServer(Script(mail=(Send(reply),)), offer) as server:
        answer = desk.send_one(server)

    assert isinstance(answer, PermanentFailure)
    assert answer.reply.text.isprintable()
    assert "ann.example" not in answer.reply.text
