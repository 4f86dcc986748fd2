"""Connecting in time, whatever the name service does."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from producers import connections
from producers.connections import PromptTlsConnection, connect


@pytest.fixture
def port() -> Any:
    """A port that answers nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_resolver_that_does_not_answer_is_given_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: released.wait(10))
    monkeypatch.setattr(connections, "LONGEST_CONNECT", 0.1)
    began = time.monotonic()
    with connect("redis://a-name.invalid:6379/0") as client, pytest.raises(RedisTimeoutError):
        client.ping()
    seconds = time.monotonic() - began
    released.set()

    assert seconds < 2


def test_each_address_of_a_name_is_tried(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    real = socket.getaddrinfo

    def resolve(host: str, *args: Any, **options: Any) -> Any:
        if host != "redis.example.org":
            return real(host, *args, **options)
        # Nobody listens on the first.
        return [
            *real("127.0.0.2", *args, **options),
            *real("127.0.0.1", *args, **options),
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    connection = connections.PromptConnection(host="redis.example.org", port=port, socket_connect_timeout=1)
    dialled = connection._connect()  # noqa: SLF001 (where redis-py dials)
    peer = dialled.getpeername()
    dialled.close()

    assert peer == ("127.0.0.1", port)
    assert connection.host == "redis.example.org"


def test_a_name_without_an_address_that_answers_is_an_error_of_redis() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = closed.getsockname()[1]
    with connect(f"redis://127.0.0.1:{nobody}/0") as client, pytest.raises(RedisConnectionError):
        client.ping()


def test_tls_is_set_up_for_the_name_and_not_for_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str] = []
    here, there = socket.socketpair()
    monkeypatch.setattr(connections.Connection, "_connect", lambda _: here)
    monkeypatch.setattr(
        connections.SSLConnection,
        "_wrap_socket_with_ssl",
        lambda self, sock: names.append(self.host) or sock,
    )
    connection = PromptTlsConnection(host="localhost", port=1)
    connection._connect()  # noqa: SLF001 (as above)
    here.close()
    there.close()

    assert names == ["localhost"]


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("redis://h/0", "PromptConnection"),
        ("rediss://h/0", "PromptTlsConnection"),
        ("unix:///run/redis.sock", "UnixDomainSocketConnection"),
    ],
    ids=["tcp", "tls", "unix"],
)
def test_each_kind_of_url_gets_its_connection(url: str, kind: str) -> None:
    with connect(url) as client:
        assert client.connection_pool.connection_class.__name__ == kind


def test_a_timeout_of_the_url_wins() -> None:
    with connect("redis://h/0?socket_timeout=7") as client:
        assert client.connection_pool.connection_kwargs["socket_timeout"] == 7
