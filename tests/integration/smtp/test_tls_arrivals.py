"""What comes in one piece with the end of the TLS handshake is read, or refused where nothing may come."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from tasks.contract.codes import LocalCode, Phase
from tasks.contract.security import Security
from tasks.failures import Receipt, TransientFailure
from tasks.smtp.trust import ServerTrust

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.smtp.conftest import Certificates, Desk

GREETING = b"220 prompt.example\r\n"
ANSWERS = {b"EHLO": b"250 prompt.example\r\n", b"DATA": b"354 go on\r\n", b".": b"250 2.0.0 taken\r\n"}


@dataclass
class PromptServer:
    """
    Serves one connection, under TLS from the start unless STARTTLS *asks* for it.

    *early* goes out in one piece with the end of the handshake, and so does its leave where it *leaves*.
    """

    context: ssl.SSLContext
    early: bytes = b""
    asks: bool = False
    leaves: bool = False
    heard: list[bytes] = field(default_factory=list)
    host: str = "127.0.0.1"
    port: int = 0

    @contextmanager
    def serving(self) -> Iterator[PromptServer]:
        with closing(socket.create_server((self.host, 0))) as listener:
            self.port = listener.getsockname()[1]
            thread = threading.Thread(target=self._serve, args=(listener,))
            thread.start()
            yield self
            thread.join(10)

    def _serve(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        connection.settimeout(5)
        with connection, suppress(EOFError, OSError):
            if self.asks:
                _take_starttls(connection)
            tls = Tls(connection, self.context)
            tls.shake_hands()
            tls.say(self.early)
            if self.leaves:
                tls.leave()
            tls.flush()
            while True:
                self._answer(tls)

    def _answer(self, tls: Tls) -> None:
        self.heard.append(line := tls.line())
        if b"DATA" not in self.heard[:-1] or line == b".":
            tls.say(ANSWERS.get(line[:4], b"250 2.0.0 ok\r\n"))
            tls.flush()


class Tls:
    """The server's side of TLS, which lets go of nothing until it is told to or has to listen."""

    def __init__(self, connection: socket.socket, context: ssl.SSLContext) -> None:
        self._connection = connection
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._read = b""

    def shake_hands(self) -> None:
        while True:
            try:
                return self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._listen()

    def line(self) -> bytes:
        while b"\r\n" not in self._read:
            try:
                self._read += self._tls.read(65536)
            except ssl.SSLWantReadError:
                self._listen()
        line, _, self._read = self._read.partition(b"\r\n")
        return line

    def say(self, data: bytes) -> None:
        if data:
            self._tls.write(data)

    def leave(self) -> None:
        with suppress(ssl.SSLWantReadError):
            self._tls.unwrap()

    def flush(self) -> None:
        self._connection.sendall(self._outgoing.read())

    def _listen(self) -> None:
        self.flush()
        if not (received := self._connection.recv(65536)):
            raise EOFError
        self._incoming.write(received)


def _take_starttls(connection: socket.socket) -> None:
    connection.sendall(GREETING)
    connection.recv(1000)
    connection.sendall(b"250-prompt.example\r\n250 STARTTLS\r\n")
    connection.recv(1000)
    connection.sendall(b"220 go\r\n")


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def context(request: pytest.FixtureRequest, certificates: Certificates) -> Iterator[ssl.SSLContext]:
    certificates.right.maximum_version = request.param
    yield certificates.right
    certificates.right.maximum_version = ssl.TLSVersion.MAXIMUM_SUPPORTED


def test_a_greeting_in_one_piece_with_the_end_of_the_handshake_is_read(
    desk: Desk, certificates: Certificates, context: ssl.SSLContext
) -> None:
    trust = ServerTrust(ca_file=certificates.ca_file)
    with PromptServer(context, GREETING).serving() as server:
        answer = desk.send_one(server, security=Security.IMPLICIT_TLS, trust=trust)
        desk.transport.close()

    assert isinstance(answer, Receipt)
    assert desk.seconds < 2


@pytest.mark.parametrize("context", [ssl.TLSVersion.TLSv1_2], indirect=True, ids=["1.2"])
def test_t2_what_comes_unasked_with_the_end_of_the_handshake_answers_no_command(
    desk: Desk, certificates: Certificates, context: ssl.SSLContext
) -> None:
    """After STARTTLS the next word is the client's; in TLS 1.3 the handshake's last is the client's, too."""
    trust = ServerTrust(ca_file=certificates.ca_file)
    unasked = b"250-prompt.example\r\n250 AUTH PLAIN\r\n"
    with PromptServer(context, unasked, asks=True).serving() as server:
        answer = desk.send_one(server, security=Security.STARTTLS, trust=trust)
        desk.transport.close()

    assert isinstance(answer, TransientFailure)
    assert (answer.reply.code, answer.phase) == (LocalCode.PROTOCOL, Phase.CONNECT)
    assert server.heard == []


def test_s6_a_server_that_leaves_at_the_end_of_the_handshake_is_not_waited_for(
    desk: Desk, certificates: Certificates, context: ssl.SSLContext
) -> None:
    """It takes leave in TLS alone: the connection stays open."""
    trust = ServerTrust(ca_file=certificates.ca_file)
    with PromptServer(context, leaves=True).serving() as server:
        answer = desk.send_one(server, security=Security.IMPLICIT_TLS, trust=trust)

    assert isinstance(answer, TransientFailure)
    assert answer.reply.code in {LocalCode.TLS, LocalCode.CONNECT}
    assert desk.seconds < 2
