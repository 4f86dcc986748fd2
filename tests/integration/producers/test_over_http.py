"""A `Mailer` over HTTP: what only a gateway can answer, and what becomes of a call when it does not."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import ssl
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import redis
import trustme

from producers.async_client import AsyncMailer
from producers.client import Mailer
from producers.errors import (
    BatchInterrupted,
    KeyRejected,
    NotAllowed,
    PostroomError,
    QueueUnavailable,
    RateLimited,
    WaitTimeout,
)
from producers.over_http import bounded
from tests.integration.producers.waiting import CANARY, MAIL
from tests.servers.odd_http import OddServer, answering, cutting, losing, passing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.servers.gateway import Running

ROOT = Path(__file__).parents[3]


@pytest.fixture
def server(queue_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(queue_url) as client:
        yield client


@pytest.fixture
def mailer_with(gateway: Running, server: redis.Redis) -> Iterator[Callable[..., Mailer]]:
    """Make a client whose API key may do what a test says; the queue is empty."""
    assert server.ping()
    mailers: list[Mailer] = []

    def make(**fields: Any) -> Mailer:
        _, token = gateway.keys.create(name="other", **fields)
        mailers.append(Mailer(gateway.url, key=str(token)))
        return mailers[-1]

    yield make
    for mailer in mailers:
        mailer.close()


def test_a_key_that_is_unknown_or_revoked_is_said_in_a_sentence(
    gateway: Running, mailer_with: Callable[..., Mailer]
) -> None:
    with Mailer(gateway.url, key=CANARY) as stranger, pytest.raises(KeyRejected, match="postroom key create"):
        stranger.enqueue(MAIL)
    mailer = mailer_with()
    mail_id = mailer.enqueue(MAIL)
    gateway.keys.revoke(gateway.keys.read()[-1].id)
    time.sleep(1.1)  # the gateway looks at its keys once a second

    for call in (lambda: mailer.poll(mail_id), lambda: mailer.enqueue_many([MAIL, MAIL])):
        with pytest.raises(KeyRejected):
            call()


def test_what_the_key_does_not_allow_is_told_by_field_for_one_and_for_many(
    mailer_with: Callable[..., Mailer],
) -> None:
    mailer = mailer_with(allowed_recipient_domains=("example.com",), lanes=("default", "bulk"))
    with pytest.raises(NotAllowed) as caught:
        mailer.enqueue(MAIL)
    batch = mailer.enqueue_many([MAIL, {**MAIL, "to": "ann@example.com"}])
    with pytest.raises(NotAllowed) as lane:
        mailer.enqueue(MAIL, to="ann@example.com", lane="reset")

    errors = [(error.field, int(error.code)) for error in caught.value.errors]
    assert errors == [("to", 602)]
    assert str(caught.value) == (
        "Email Recipients (TO) List: has recipients at example.org; this API key may not write there"
    )
    assert [(refusal.index, type(refusal.error)) for refusal in batch.refused] == [(0, NotAllowed)]
    assert [error.field for error in lane.value.errors] == ["lane"]


def test_another_keys_mail_does_not_exist(gateway: Running, mailer_with: Callable[..., Mailer]) -> None:
    with Mailer(gateway.url, key=gateway.key) as mailer:
        mail_id = mailer.enqueue(MAIL)

    with pytest.raises(LookupError):
        mailer_with().poll(mail_id)


def test_a_key_that_goes_too_fast_waits_as_long_as_a_call_may_take(
    mailer_with: Callable[..., Mailer],
) -> None:
    patient, hopeless = mailer_with(rate=2.0, burst=1), mailer_with(rate=0.01, burst=1)
    began = time.monotonic()
    ids = {patient.enqueue(MAIL) for _ in range(3)}
    took = time.monotonic() - began
    hopeless.enqueue(MAIL)

    assert len(ids) == 3
    assert 0.9 < took < 6.0
    with pytest.raises(RateLimited) as caught:
        hopeless.enqueue(MAIL)
    assert 90 <= caught.value.wait <= 100
    assert "there is more in" in str(caught.value)


def test_many_mails_that_outrun_their_key_are_interrupted_and_not_lost(
    mailer_with: Callable[..., Mailer], server: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("producers.measure.BATCH", 10)
    mailer = mailer_with(rate=0.01, burst=15)
    with pytest.raises(BatchInterrupted) as caught:
        mailer.enqueue_many([MAIL] * 40)

    assert len(caught.value.batch.ids) == server.llen("bulk") == 10


def test_a_gateway_that_takes_less_at_a_time_gets_less(
    start_gateway: Callable[..., Running], queue_url: str, server: redis.Redis
) -> None:
    gateway = start_gateway(queue_url, POSTROOM_WEB_MAX_BATCH="7", POSTROOM_WEB_MAX_BODY_BYTES="2000")
    with Mailer(gateway.url, key=gateway.key) as mailer:
        batch = mailer.enqueue_many([{**MAIL, "subject": f"{n}", "body": "x" * 500} for n in range(20)])
        huge = mailer.enqueue_many([{**MAIL, "body": "x" * 3000}, MAIL])

    assert len(set(batch.ids)) == 20
    assert server.llen("bulk") == 21
    assert [(refusal.index, refusal.error.errors[0].field) for refusal in huge.refused] == [(0, "")]


def test_an_answer_that_is_lost_is_asked_for_again_and_doubles_nothing(
    gateway: Running, server: redis.Redis
) -> None:
    _, port = gateway.address
    with OddServer(losing(port), passing(port)) as odd, Mailer(odd.url, key=gateway.key) as mailer:
        mail_id = mailer.enqueue(MAIL)
        assert len(odd.requests) == 2
    with OddServer(losing(port), passing(port)) as odd, Mailer(odd.url, key=gateway.key) as mailer:
        ids = mailer.enqueue_many([MAIL, MAIL]).ids
        assert len(odd.requests) == 2

    assert server.lrange("default", 0, -1)[0].count(mail_id.encode()) >= 1
    assert (server.llen("default"), server.llen("bulk")) == (1, len(set(ids)))


def test_a_resending_whose_answer_is_lost_is_not_repeated(gateway: Running) -> None:
    _, port = gateway.address
    with OddServer(losing(port)) as odd, Mailer(odd.url, key=gateway.key) as mailer:
        with pytest.raises(QueueUnavailable):
            mailer.resend("m", MAIL)
        assert len(odd.requests) == 1


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ssl.SSLContext]:
    """A server's side of TLS, for "localhost"; clients know its CA from SSL_CERT_FILE."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    bounded.tls.cache_clear()
    yield context
    bounded.tls.cache_clear()


def test_tls_is_spoken_and_the_certificate_checked(gateway: Running, tls: ssl.SSLContext) -> None:
    async def wait(url: str, mail_id: str) -> object:
        async with AsyncMailer(url, key=gateway.key) as mailer:
            return (await asyncio.gather(mailer.wait(mail_id, timeout=0.1), return_exceptions=True))[0]

    with OddServer(passing(gateway.address[1]), tls=tls) as odd:
        right, wrong = f"https://localhost:{odd.port}", f"https://127.0.0.1:{odd.port}"
        with Mailer(right, key=gateway.key) as mailer:
            mail_id = mailer.enqueue(MAIL)
        known = asyncio.run(wait(right, mail_id))
        unknown = asyncio.run(wait(wrong, mail_id))
        with (
            Mailer(wrong, key=gateway.key) as mailer,
            pytest.raises(QueueUnavailable, match="SSLCertVerificationError"),
        ):
            mailer.enqueue(MAIL)

        assert type(known) is WaitTimeout
        assert type(unknown) is QueueUnavailable
        assert {request.count(b"127.0.0.1") for request in odd.requests} == {0}


def test_the_key_is_in_no_log_error_or_representation(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    told: list[str] = []
    answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    for behaviour in (cutting, answering(answer)):
        with OddServer(behaviour) as odd, Mailer(odd.url, key=CANARY) as mailer:
            told.append(repr((mailer, vars(mailer), vars(mailer.post), vars(vars(mailer.post)["_line"]))))
            with pytest.raises(PostroomError) as caught:
                mailer.enqueue(MAIL)
        told += traceback.TracebackException.from_exception(caught.value, capture_locals=True).format()
        # What it came from would lead to the request, and to its headers.
        assert (caught.value.__cause__, caught.value.__context__) == (None, None)

    assert [text for text in (*told, caplog.text) if "canary" in text] == []


#: In a process without threads, for those do not survive a fork, and Python warns of them.
FORKING = """
import json, os, sys
from producers.client import Mailer

def ids(mailer, who):
    mail = {"to": "ann@example.org", "subject": "s", "body": "b"}
    return {f"{who}-{n}": mailer.enqueue(mail, idempotency_key=f"{who}-{n}") for n in range(25)}

url, key = sys.argv[1:]
with Mailer(url, key=key) as mailer:
    first = mailer.enqueue(to="ann@example.org", subject="s", body="b")
    read, write = os.pipe()
    if not os.fork():
        with os.fdopen(write, "w") as pipe:
            json.dump(ids(mailer, "child"), pipe)
        os._exit(0)
    os.close(write)
    found = ids(mailer, "parent")
    with os.fdopen(read) as pipe:
        found |= json.load(pipe)
    os.wait()
    print(json.dumps([found, ids(mailer, "child") | ids(mailer, "parent")]))
"""


def test_a_forked_child_has_a_line_of_its_own(gateway: Running, server: redis.Redis) -> None:
    """Parent and child at once: over one connection they would take each other's answers."""
    run = subprocess.run(  # noqa: S603 (our own line)
        [sys.executable, "-c", FORKING, gateway.url, gateway.key],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=50,
        check=True,
    )
    found, again = json.loads(run.stdout)

    assert found == again
    assert server.llen("default") == 51
