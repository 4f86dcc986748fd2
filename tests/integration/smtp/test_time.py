"""The time budget holds whatever the server does, and so does the memory."""

from __future__ import annotations

import socket
import threading
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tasks.contract.codes import LocalCode, Phase
from tasks.contract.security import Security
from tasks.failures import Failure, PermanentFailure, Receipt, TransientFailure, Unconfirmed
from tasks.smtp import hints, opening
from tasks.testing.actions import Flood, Say, Send, Silence
from tasks.testing.offer import Offer
from tasks.testing.script import Script
from tasks.testing.server import ScriptedServer

if TYPE_CHECKING:
    from tests.integration.smtp.conftest import Certificates, Desk

BUDGET = 0.8
SLACK = 0.5
LARGE = (b"x" * 70 + b"\r\n") * 200_000
DRIPS = {
    "banner": Say("220 scripted.example ESMTP and a long greeting", every=0.1),
    "ehlo": Say("250-scripted.example\n250 PIPELINING", every=0.1),
    "rcpt": Say("250 2.1.5 recipient ok", every=0.1),
}


def assert_in_time(desk: Desk) -> None:
    assert BUDGET - 0.05 <= desk.seconds <= BUDGET + SLACK


def test_s1_a_refused_connection_fails_at_once(desk: Desk, unused_port: int) -> None:
    with ScriptedServer() as server:
        (answer,) = desk.send(server, desk.mail(), port=unused_port)

    assert isinstance(answer, TransientFailure)
    assert (answer.reply.code, answer.phase) == (LocalCode.CONNECT, Phase.CONNECT)
    assert desk.seconds < SLACK


def test_s1_a_connection_that_nobody_takes_ends_in_time(desk: Desk, full_port: int) -> None:
    with ScriptedServer() as server:
        (answer,) = desk.send(server, desk.mail(budget=BUDGET), port=full_port)

    assert isinstance(answer, TransientFailure)
    assert answer.reply.code == LocalCode.CONNECT
    assert_in_time(desk)


def test_s1_an_unknown_name_fails_for_now(desk: Desk) -> None:
    with ScriptedServer() as server:
        (answer,) = desk.send(server, desk.mail(), host="no-such-host.invalid")

    assert isinstance(answer, TransientFailure)
    assert answer.reply.code == LocalCode.DNS


def test_s1_a_name_server_that_hangs_is_given_up_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: hanging.wait(10))
    threads = threading.active_count()
    try:
        with ScriptedServer() as server:
            for _ in range(3):
                (answer,) = desk.send(server, desk.mail(budget=0.2), host="slow.example")

        assert isinstance(answer, TransientFailure)
        assert answer.reply.code == LocalCode.DNS
        assert threading.active_count() <= threads + 1
    finally:
        hanging.set()


def test_s1_the_next_address_is_tried_where_the_first_does_not_answer(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, unused_port: int
) -> None:
    with ScriptedServer() as server:
        places = [(socket.AF_INET, 1, 6, "", (server.host, port)) for port in (unused_port, server.port)]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: places)
        answer = desk.send_one(server)

    assert isinstance(answer, Receipt)


def test_s1_an_address_that_drops_everything_takes_little_of_the_budget(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, full_port: int
) -> None:
    with ScriptedServer() as server:
        places = [(socket.AF_INET, 1, 6, "", (server.host, port)) for port in (full_port, server.port)]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: places)
        (answer,) = desk.send(server, desk.mail(budget=30))

    assert isinstance(answer, Receipt)
    assert desk.seconds < 1


@pytest.mark.parametrize("step", ["banner", "ehlo", "mail", "rcpt", "data"])
def test_s2_silence_before_the_dot_uses_up_the_budget(desk: Desk, offer: Offer, step: str) -> None:
    with ScriptedServer(Script(**{step: Silence()}), offer) as server:
        (answer,) = desk.send(server, desk.mail(budget=BUDGET))

    assert isinstance(answer, TransientFailure)
    assert answer.reply.code == LocalCode.TIME_OVER
    assert_in_time(desk)


def test_s2_silence_at_the_port_of_implicit_tls_names_the_mistake(desk: Desk) -> None:
    with ScriptedServer(Script(banner=Silence())) as server:
        (answer,) = desk.send(server, desk.mail(budget=BUDGET), security=Security.STARTTLS)

    assert isinstance(answer, Failure)
    assert "use SSL" in answer.hint


def test_s2_silence_at_port_465_is_not_waited_out(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "LONGEST_SILENCE", 0.3)
    with ScriptedServer(Script(banner=Silence())) as server:
        monkeypatch.setattr(hints, "IMPLICIT_TLS_PORT", server.port)
        (answer,) = desk.send(server, desk.mail(budget=5.0), security=Security.STARTTLS)

    assert isinstance(answer, TransientFailure)
    assert answer.reply.code == LocalCode.CONNECT
    assert answer.hint == f"Port {server.port} speaks implicit TLS: use SSL."
    assert 0.25 <= desk.seconds <= 1.0


@pytest.mark.parametrize(("step", "drip"), DRIPS.items(), ids=DRIPS)
def test_s3_bytes_that_drip_use_up_the_budget(desk: Desk, offer: Offer, step: str, drip: Say) -> None:
    with ScriptedServer(Script(**{step: drip}), offer) as server:
        (answer,) = desk.send(server, desk.mail(budget=BUDGET))

    assert isinstance(answer, TransientFailure)
    assert answer.reply.code == LocalCode.TIME_OVER
    assert_in_time(desk)


def test_s3_bytes_that_drip_after_the_dot_leave_the_outcome_open(desk: Desk, offer: Offer) -> None:
    with ScriptedServer(Script(dot=Say("250 2.0.0 accepted", every=0.1)), offer) as server:
        (answer,) = desk.send(server, desk.mail(budget=BUDGET))

    assert isinstance(answer, Unconfirmed)
    assert_in_time(desk)
    assert len(server.dots) == 1


@pytest.mark.parametrize("step", ["banner", "ehlo", "rcpt", "dot"])
def test_s4_a_reply_without_end_is_cut_off_and_costs_no_memory(desk: Desk, offer: Offer, step: str) -> None:
    flood = Flood(b"220-and another line\r\n" if step == "banner" else b"250-and another line\r\n")
    with ScriptedServer(Script(**{step: flood}), offer) as server:
        desk.send(server, desk.mail(), port=server.port)
        tracemalloc.start()
        try:
            (answer,) = desk.send(server, desk.mail())
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert isinstance(answer, Unconfirmed if step == "dot" else TransientFailure)
    assert answer.reply.code == (LocalCode.UNKNOWN if step == "dot" else LocalCode.PROTOCOL)
    assert peak < 2**20
    assert desk.seconds < 1.0


def test_a_server_that_never_reads_the_content_uses_up_the_budget(desk: Desk, offer: Offer) -> None:
    with ScriptedServer(Script(body=Silence()), offer) as server:
        (answer,) = desk.send(server, desk.mail(body=LARGE, budget=BUDGET))

    assert isinstance(answer, TransientFailure)
    assert (answer.reply.code, answer.phase) == (LocalCode.TIME_OVER, Phase.DATA)
    assert_in_time(desk)
    assert desk.marked == []


def test_data_is_not_begun_with_too_little_time_left(desk: Desk, offer: Offer) -> None:
    with ScriptedServer(Script(banner=Say("220 slow", delay=0.75)), offer) as server:
        (answer,) = desk.send(server, desk.mail(budget=0.9))

    assert isinstance(answer, TransientFailure)
    assert (answer.reply.code, answer.phase) == (LocalCode.TIME_OVER, Phase.DATA)
    assert server.count("DATA") == 0


def test_the_content_is_not_sent_where_the_go_ahead_came_too_late(desk: Desk, offer: Offer) -> None:
    with ScriptedServer(Script(data=Say("354 go on", delay=0.75)), offer) as server:
        (answer,) = desk.send(server, desk.mail(budget=0.9))

    assert isinstance(answer, TransientFailure)
    assert answer.reply.code == LocalCode.TIME_OVER
    assert server.dots == []
    assert desk.marked == []


def test_t3_a_handshake_that_stalls_uses_up_the_budget(desk: Desk, certificates: Certificates) -> None:
    for offer in (Offer(context=certificates.right), Offer(context=certificates.right, implicit_tls=True)):
        security = Security.IMPLICIT_TLS if offer.implicit_tls else Security.STARTTLS
        with ScriptedServer(Script(tls=Silence()), offer) as server:
            (answer,) = desk.send(server, desk.mail(budget=BUDGET), security=security)

        assert isinstance(answer, TransientFailure)
        assert (answer.reply.code, answer.phase) == (LocalCode.TIME_OVER, Phase.TLS)
        assert_in_time(desk)


def test_t3_a_handshake_that_drips_uses_up_the_budget(desk: Desk, certificates: Certificates) -> None:
    record = b"\x16\x03\x03\x40\x00" + b"\x02\x00\x3f\xfc" + b"\0" * 1000
    offer = Offer(context=certificates.right, implicit_tls=True)
    with ScriptedServer(Script(tls=Send(record, every=0.1)), offer) as server:
        (answer,) = desk.send(server, desk.mail(budget=BUDGET), security=Security.IMPLICIT_TLS)

    assert isinstance(answer, Failure)
    assert not isinstance(answer, PermanentFailure)
    assert_in_time(desk)


def test_a_run_gives_each_mail_whose_time_is_over_its_own_answer(desk: Desk) -> None:
    with ScriptedServer(Script(mail=(Silence(),))) as server:
        short, long = desk.send(server, desk.mail(budget=0.4), desk.mail(budget=5.0))

    assert isinstance(short, TransientFailure)
    assert short.reply.code == LocalCode.TIME_OVER
    assert isinstance(long, Receipt)


def test_hostile_sessions_leave_no_socket_and_no_thread_behind(desk: Desk) -> None:
    steps = [
        {"banner": Send(b"x" * 9000)},
        {"ehlo": Flood()},
        {"mail": Say("421 no")},
        {"dot": Send(b"banana\r\n")},
    ]
    descriptors, threads = _descriptors(), threading.active_count()
    for step in steps * 5:
        with ScriptedServer(Script(**step)) as server:
            desk.send_one(server)
    desk.transport.close()

    assert _descriptors() <= descriptors
    assert threading.active_count() <= threads


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def full_port():  # noqa: ANN201  # a generator of a port
    """A port whose queue of connections is full, so that the kernel answers no more."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for connection in waiting:
            connection.settimeout(0)
            connection.connect_ex(listener.getsockname())
        yield int(listener.getsockname()[1])
        for connection in waiting:
            connection.close()
