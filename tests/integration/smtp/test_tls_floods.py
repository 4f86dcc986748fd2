"""A server that goes on and on about TLS keeps nobody: neither beyond the deadline nor busy until then."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tasks.contract.codes import LocalCode, Phase
from tasks.contract.security import Security
from tasks.failures import PermanentFailure, Receipt, TransientFailure
from tasks.smtp.trust import ServerTrust
from tasks.testing.offer import Offer
from tasks.testing.script import Script
from tasks.testing.server import ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.integration.smtp.conftest import Certificates, Desk

BUDGET = 1.0
ANY = ServerTrust(verify=False)
needs_openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="the openssl command is not there")


@dataclass(frozen=True)
class Place:
    """Where a server of another program listens, as much of a scripted server as a desk needs."""

    port: int
    host: str = "127.0.0.1"


@contextmanager
def openssl_server(pem: Path, command: bytes, *options: str) -> Iterator[Place]:
    """An `openssl s_server` that is told *command* again and again, from the end of the handshake on."""
    line = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", str(pem), *options]
    with subprocess.Popen(  # noqa: S603  # our own line
        line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        said = b""
        while not (said.count(b"\n") and said.rpartition(b"\n")[0].count(b"ACCEPT ")):
            said += server.stdout.read(1000)
        port = int(said.partition(b"ACCEPT ")[2].split()[0].rpartition(b":")[2])
        shaken = threading.Event()
        threads = [
            threading.Thread(target=_read, args=(server, shaken)),
            threading.Thread(target=_repeat, args=(server, shaken, command)),
        ]
        for thread in threads:
            thread.start()
        try:
            yield Place(port)
        finally:
            server.kill()
            shaken.set()
            for thread in threads:
                thread.join()


def _read(server: subprocess.Popen[bytes], shaken: threading.Event) -> None:
    said = b""
    while more := os.read(server.stdout.fileno(), 65536):
        said = said[-100:] + more
        if b"CIPHER is" in said:
            shaken.set()


def _repeat(server: subprocess.Popen[bytes], shaken: threading.Event, command: bytes) -> None:
    shaken.wait(10)
    with suppress(OSError):
        while server.poll() is None:
            os.write(server.stdin.fileno(), command + b"\n")


def test_t3_a_flood_of_session_tickets_is_broken_off_at_once(desk: Desk, certificates: Certificates) -> None:
    certificates.right.num_tickets = 100_000
    offer = Offer(context=certificates.right, implicit_tls=True)
    busy = time.thread_time()
    try:
        with ScriptedServer(offer=offer) as server:
            (answer,) = desk.send(server, desk.mail(), security=Security.IMPLICIT_TLS, trust=ANY)
    finally:
        certificates.right.num_tickets = 2

    assert isinstance(answer, TransientFailure)
    assert (answer.reply.code, answer.phase) == (LocalCode.PROTOCOL, Phase.CONNECT)
    assert time.thread_time() - busy < 0.5
    assert desk.seconds < 2


@needs_openssl
@pytest.mark.parametrize("command", [b"k", b"K"], ids=["key updates", "key updates that want an answer"])
def test_t3_a_flood_of_key_updates_uses_up_no_more_than_the_budget(
    desk: Desk, certificates: Certificates, command: bytes
) -> None:
    busy = time.thread_time()
    with openssl_server(certificates.client_file, command, "-tls1_3") as server:
        (answer,) = desk.send(server, desk.mail(budget=BUDGET), security=Security.IMPLICIT_TLS, trust=ANY)

    assert isinstance(answer, TransientFailure)
    assert answer.reply.code in {LocalCode.TIME_OVER, LocalCode.PROTOCOL}
    assert desk.seconds <= BUDGET + 0.5
    assert time.thread_time() - busy < 0.75


@needs_openssl
def test_t3_a_server_that_wants_to_renegotiate_is_refused_once(
    desk: Desk, certificates: Certificates
) -> None:
    busy = time.thread_time()
    with openssl_server(certificates.client_file, b"r", "-tls1_2") as server:
        (answer,) = desk.send(server, desk.mail(), security=Security.IMPLICIT_TLS, trust=ANY)

    assert isinstance(answer, TransientFailure)
    assert answer.reply.code == LocalCode.TLS
    assert time.thread_time() - busy < 0.5
    assert desk.seconds < 2


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def test_large_contents_and_many_replies_go_over_tls(
    desk: Desk, certificates: Certificates, version: ssl.TLSVersion
) -> None:
    recipients = [f"user{i}@example.com" for i in range(400)]
    reply = "\n".join(["250-2.1.5 " + "x" * 400] * 20 + ["250 2.1.5 ok"])
    script = Script(rcpt=dict.fromkeys(recipients[:200], reply))
    certificates.right.maximum_version = version
    try:
        with ScriptedServer(script, Offer(context=certificates.right)) as server:
            body = (b"x" * 70 + b"\r\n") * 40_000
            answers = desk.send(
                server,
                desk.mail(*recipients, body=body, budget=30),
                desk.mail(),
                security=Security.STARTTLS,
                trust=ANY,
            )
    finally:
        certificates.right.maximum_version = ssl.TLSVersion.MAXIMUM_SUPPORTED

    assert all(isinstance(answer, Receipt) for answer in answers)
    assert server.mails[0].content.endswith(body)
    assert len(server.mails[0].recipients) == 400


def test_a_server_learns_why_its_certificate_is_refused(desk: Desk, certificates: Certificates) -> None:
    reasons: list[str | None] = []

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, pytest.raises(ssl.SSLError) as refused:
            certificates.right.wrap_socket(connection, server_side=True).recv(1)
        reasons.append(refused.value.reason)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        place = Place(listener.getsockname()[1])
        (answer,) = desk.send(place, desk.mail(), security=Security.IMPLICIT_TLS)
        thread.join()

    assert isinstance(answer, PermanentFailure)
    assert reasons == ["TLSV1_ALERT_UNKNOWN_CA"]
