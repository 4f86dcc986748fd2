"""Clients that are slow, that send too much, or what is no HTTP."""

from __future__ import annotations

import json
import socket
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = (
    "POST /v1/emails HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
)


@pytest.fixture
def connection(gateway: Any) -> Iterator[socket.socket]:
    with socket.create_connection(gateway.address, timeout=10) as found:
        yield found


def answer(connection: socket.socket) -> tuple[int, dict[str, Any]]:
    """Return status and problem of what comes until the connection is closed."""
    data = b""
    while part := connection.recv(65536):
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    return int(head.split()[1]), json.loads(body)


def test_headers_that_never_end_are_not_waited_for(connection: socket.socket) -> None:
    began = time.monotonic()
    connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ")

    status, problem = answer(connection)

    assert (status, problem["type"]) == (408, "urn:postroom:problem:request-timeout")
    assert time.monotonic() - began < 5.0


def test_headers_that_drip_are_not_waited_for_either(connection: socket.socket) -> None:
    began = time.monotonic()
    connection.sendall(b"GET /healthz HTTP/1.1\r\n")
    try:
        while time.monotonic() - began < 5.0:
            connection.sendall(b"X-Drip: 1\r\n")
            time.sleep(0.1)
    except OSError:
        pass

    assert time.monotonic() - began < 5.0


def test_a_connection_that_says_nothing_is_closed(connection: socket.socket) -> None:
    status, _ = answer(connection)

    assert status == 408


def test_a_second_request_that_never_ends_is_not_waited_for(connection: socket.socket) -> None:
    connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert connection.recv(65536).startswith(b"HTTP/1.1 200")
    connection.sendall(b"GET /healthz HTTP/1.1\r\n")

    assert answer(connection)[0] == 408


def test_a_body_that_never_ends_is_not_waited_for(gateway: Any, connection: socket.socket) -> None:
    head = HEAD.format(key=gateway.key) + "Content-Length: 1000\r\n\r\n"
    connection.sendall(head.encode() + b'{"to":')

    status, problem = answer(connection)

    assert (status, problem["type"]) == (408, "urn:postroom:problem:request-timeout")


def test_a_body_without_end_is_cut_off_at_the_limit(gateway: Any, connection: socket.socket) -> None:
    head = HEAD.format(key=gateway.key) + "Transfer-Encoding: chunked\r\n\r\n"
    connection.sendall(head.encode())
    sent = 0
    try:
        while sent < 50_000_000:
            connection.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            sent += 65536
    except OSError:
        pass

    assert sent < 10_000_000


def test_a_body_that_says_that_it_is_too_large_is_refused(gateway: Any) -> None:
    with gateway.client() as client:
        refused = client.post(
            "/v1/emails", content=b"x" * 1_000_001, headers={"Content-Type": "application/json"}
        )

    assert refused.status_code == 413
    assert refused.json()["type"] == "urn:postroom:problem:too-large"


def test_headers_above_the_limit_are_refused(connection: socket.socket) -> None:
    connection.sendall(b"GET /healthz HTTP/1.1\r\n" + b"X-Much: " + b"x" * 70_000)

    assert answer(connection)[0] == 431


@pytest.mark.parametrize(
    "nonsense",
    [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"HELO gateway\r\n", b"GET / HTTP/9.9\r\n\r\n"],
    ids=["TLS", "SMTP", "version"],
)
def test_what_is_no_http_is_told_so(connection: socket.socket, nonsense: bytes) -> None:
    connection.sendall(nonsense)

    assert answer(connection)[0] == 400


def test_two_lengths_are_no_way_to_smuggle_a_request(gateway: Any, connection: socket.socket) -> None:
    head = HEAD.format(key=gateway.key) + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    connection.sendall(head.encode() + b"0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")

    assert answer(connection)[0] == 400


def test_slow_clients_do_not_hold_up_others(gateway: Any, mail: dict[str, Any]) -> None:
    head = (HEAD.format(key=gateway.key) + "Content-Length: 1000\r\n\r\n").encode()
    with ExitStack() as stack, gateway.client() as client:
        for number in range(100):
            slow = stack.enter_context(socket.create_connection(gateway.address))
            slow.sendall(head if number % 2 else head[:30])
        began = time.monotonic()

        accepted = client.post("/v1/emails", json=mail)

        assert accepted.status_code == 202
        assert time.monotonic() - began < 5.0
