"""Posting to receivers over real sockets, whatever they do."""

from __future__ import annotations

import asyncio
import ssl
import time
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from producers.hooks.addresses import Addresses
from producers.hooks.posting import Attempt, Poster
from tests.servers.receiver import LOOPBACK, receiving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.servers.receiver import Receiver

BODY = b'{"type":"email.sent"}'


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def post(url: str, *, timeout: float = 1.0, look: Callable[[str, int], list[str]] | None = None) -> Attempt:
    async def ask() -> Attempt:
        poster = Poster(Addresses(look=look), timeout=timeout)
        try:
            return await poster.post(url, BODY, {"webhook-id": "evt_1"})
        finally:
            await poster.close()

    return asyncio.run(ask())


def test_a_receiver_gets_the_body_as_it_is_and_says_thanks(receiver: Receiver) -> None:
    attempt = post(f"{receiver.url}/200?token=x")

    [posted] = receiver.posted
    assert (posted.body, posted.headers["webhook-id"]) == (BODY, "evt_1")
    assert posted.headers["content-type"] == "application/json"
    assert posted.headers["host"] == receiver.url.removeprefix("http://")
    assert posted.path == "/200?token=x"
    assert (attempt.status, attempt.error, attempt.is_delivered) == (200, None, True)
    assert attempt.excerpt == "thanks  <b>"


@pytest.mark.parametrize(
    ("habit", "status", "error"),
    [
        ("500", 500, None),
        ("404", 404, None),
        ("204", 204, None),
        ("410", 410, None),
        ("redirect", 302, None),
        ("hang", None, "timeout"),
        ("drip", None, "timeout"),
        ("close", None, "no http answer"),
        ("garbage", None, "no http answer"),
        ("endless", 500, None),
    ],
)
def test_whatever_a_receiver_does_the_attempt_ends_in_time(
    receiver: Receiver, habit: str, status: int | None, error: str | None
) -> None:
    began = time.monotonic()

    attempt = post(f"{receiver.url}/{habit}")

    assert (attempt.status, attempt.error) == (status, error)
    assert time.monotonic() - began < 3.0
    assert attempt.is_delivered == (status in {200, 204})
    assert attempt.is_gone == (status == 410)
    assert len(attempt.excerpt) <= 512
    assert attempt.seconds < 0.9 or habit in {"hang", "drip"}
    assert len(receiver.posted) == 1


def test_an_answer_that_drips_is_not_waited_for_once_its_status_is_known(receiver: Receiver) -> None:
    attempt = post(f"{receiver.url}/drip-body", timeout=10.0)

    assert attempt.status == 200
    assert attempt.seconds < 5.0


def test_a_receiver_may_say_when_to_come_again(receiver: Receiver) -> None:
    assert post(f"{receiver.url}/later").retry_after == 40.0


def test_nobody_there_is_said() -> None:
    assert post("http://127.0.0.1:1/").error == "no connection"


def test_the_address_that_was_checked_is_the_one_that_is_connected_to(receiver: Receiver) -> None:
    looked: list[str] = []

    def look(host: str, _port: int) -> list[str]:
        looked.append(host)
        return [LOOPBACK] if len(looked) == 1 else ["10.0.0.1"]

    attempt = post(f"{receiver.url.replace(LOOPBACK, 'localhost')}/200", look=look)

    assert attempt.status == 200
    assert looked == ["localhost"]


def test_a_name_that_leads_to_this_machine_is_not_posted_to(receiver: Receiver) -> None:
    url = receiver.url.replace(LOOPBACK, "shop.example")

    attempt = post(f"{url}/200", look=lambda _host, _port: [LOOPBACK])

    assert attempt.error == "address not allowed"
    assert receiver.posted == []


def test_a_second_address_is_tried_when_the_first_does_not_answer(receiver: Receiver) -> None:
    url = f"{receiver.url.replace(LOOPBACK, 'localhost')}/200"

    attempt = post(url, look=lambda _host, _port: ["127.0.0.2", "::1", LOOPBACK])

    assert attempt.status == 200


def test_no_proxy_of_the_environment_is_asked(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")

    assert post(f"{receiver.url}/200").status == 200


class TestWithTls:
    """Certificates are verified for the name, over a connection to the address."""

    @pytest.fixture
    def authority(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        return authority

    @pytest.fixture
    def secure(self, authority: trustme.CA) -> Iterator[Receiver]:
        with receiving(tls=server_context(authority, "localhost"), host="localhost") as found:
            yield found

    def test_the_right_name_is_posted_to(self, secure: Receiver) -> None:
        attempt = post(f"{secure.url}/200", timeout=3.0)

        assert attempt.status == 200
        assert secure.posted[0].headers["host"] == secure.url.removeprefix("https://")

    def test_a_certificate_for_another_name_is_refused(self, secure: Receiver) -> None:
        attempt = post(f"{secure.url.replace('localhost', LOOPBACK)}/200", timeout=3.0)

        assert (attempt.status, attempt.error) == (None, "tls failed")
        assert secure.posted == []

    def test_an_unknown_authority_is_refused(self, secure: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("SSL_CERT_FILE")

        assert post(f"{secure.url}/200", timeout=3.0).error == "tls failed"
        assert secure.posted == []

    def test_a_receiver_that_speaks_no_tls_is_said(self, receiver: Receiver, authority: Any) -> None:
        del authority
        attempt = post(f"{receiver.url.replace('http://', 'https://')}/200", timeout=3.0)

        assert attempt.error == "tls failed"
        assert receiver.posted == []


def server_context(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context
