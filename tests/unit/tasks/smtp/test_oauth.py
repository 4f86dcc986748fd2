from __future__ import annotations

import json
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from tasks.contract.codes import LocalCode
from tasks.deadline import Deadline
from tasks.failures import Failure, PermanentFailure, TransientFailure
from tasks.smtp.oauth import ClientCredentials, RefreshToken
from tasks.smtp.refresh_tokens import InMemory
from tasks.smtp.secret_sources import StaticSecret
from tasks.smtp.tokens import Token, TokenCache

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.tasks.smtp.conftest import Clock

SECRET = StaticSecret(SecretStr("canary-client"))


class Endpoint:
    """A token endpoint that gives *answers* in turn, the last for ever, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, Any]] = []
        self.asked: list[dict[str, str]] = []
        self.hanging = threading.Event()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = self.rfile.read(int(self.headers["Content-Length"])).decode()
                endpoint.asked.append(dict(urllib.parse.parse_qsl(form)))
                status, answer = endpoint.answers.pop(0) if len(endpoint.answers) > 1 else endpoint.answers[0]
                if status == 0:
                    endpoint.hanging.wait(10)
                    return
                body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                if status == 302:
                    self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                if status == 503:
                    self.send_header("Retry-After", "7")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/token"


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    endpoint = Endpoint()
    thread = threading.Thread(target=endpoint.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield endpoint
    endpoint.hanging.set()
    endpoint.server.shutdown()
    endpoint.server.server_close()
    thread.join()


def source(endpoint: Endpoint) -> ClientCredentials:
    return ClientCredentials(endpoint.url, "client", SECRET, "https://outlook.office365.com/.default")


def test_client_credentials_are_exchanged_for_a_token_that_is_kept(endpoint: Endpoint) -> None:
    endpoint.answers = [(200, {"access_token": "T1", "expires_in": 3600})]
    tokens = source(endpoint)

    values = [tokens.secret(Deadline.after(5)).get_secret_value() for _ in range(3)]

    assert values == ["T1"] * 3
    assert endpoint.asked == [
        {
            "grant_type": "client_credentials",
            "client_id": "client",
            "client_secret": "canary-client",
            "scope": "https://outlook.office365.com/.default",
        }
    ]


def test_threads_share_one_fetch(endpoint: Endpoint) -> None:
    endpoint.answers = [(200, {"access_token": "T1", "expires_in": 3600})]
    tokens = source(endpoint)
    threads = [threading.Thread(target=tokens.secret, args=(Deadline.after(5),)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(endpoint.asked) == 1


def test_a_refresh_token_is_exchanged_and_its_successor_used_from_then_on(endpoint: Endpoint) -> None:
    endpoint.answers = [(200, {"access_token": "T", "expires_in": 0, "refresh_token": "R2"})]
    tokens = RefreshToken(endpoint.url, "client", InMemory(StaticSecret(SecretStr("R1"))), SECRET, "mail")

    tokens.secret(Deadline.after(5))
    tokens.secret(Deadline.after(5))

    assert [asked["refresh_token"] for asked in endpoint.asked] == ["R1", "R2"]


def test_the_stored_refresh_token_is_tried_where_its_successor_is_refused(endpoint: Endpoint) -> None:
    endpoint.answers = [
        (200, {"access_token": "T", "expires_in": 0, "refresh_token": "R2"}),
        (400, {"error": "invalid_grant"}),
        (200, {"access_token": "T3"}),
    ]
    tokens = RefreshToken(endpoint.url, "client", InMemory(StaticSecret(SecretStr("R1"))))

    tokens.secret(Deadline.after(5))

    assert tokens.secret(Deadline.after(5)).get_secret_value() == "T3"
    assert [asked["refresh_token"] for asked in endpoint.asked] == ["R1", "R2", "R1"]


@pytest.mark.parametrize(
    ("status", "answer", "kind", "words"),
    [
        (
            400,
            {"error": "invalid_grant", "error_description": "canary-client"},
            PermanentFailure,
            "invalid_grant",
        ),
        (401, {"error": "invalid_client"}, PermanentFailure, "invalid_client"),
        (401, b"canary-client <html>", PermanentFailure, "HTTP 401."),
        (302, b"", PermanentFailure, "HTTP 302"),
        (429, {}, TransientFailure, "HTTP 429"),
        (503, {"error": "temporarily_unavailable"}, TransientFailure, "temporarily_unavailable"),
        (200, {"token_type": "Bearer"}, TransientFailure, "no token"),
        (200, [1, 2], TransientFailure, "no token"),
        (200, b"canary-client", TransientFailure, "could not be asked"),
    ],
)
def test_a_token_endpoint_that_gives_none_is_a_failure_without_secrets(
    endpoint: Endpoint, status: int, answer: object, kind: type[Failure], words: str
) -> None:
    endpoint.answers = [(status, answer)]

    with pytest.raises(kind) as failed:
        source(endpoint).secret(Deadline.after(5))

    assert failed.value.reply.code == LocalCode.LOGIN_IMPOSSIBLE
    assert words in failed.value.reply.text
    assert "canary" not in f"{failed.value}{failed.value!r}{failed.value.__cause__}"
    assert len(endpoint.asked) == 1
    assert failed.value.retry_after == (7.0 if status == 503 else None)


def test_a_token_endpoint_that_hangs_is_given_up_on(endpoint: Endpoint) -> None:
    endpoint.answers = [(0, None)]

    with pytest.raises(TransientFailure) as failed:
        source(endpoint).secret(Deadline.after(0.2))

    assert failed.value.reply.code == LocalCode.TIME_OVER


@pytest.mark.parametrize("url", ["http://login.example.com/token", "ftp://x/", "file:///etc/passwd", "token"])
def test_secrets_go_to_https_only(url: str) -> None:
    with pytest.raises(PermanentFailure):
        ClientCredentials(url, "client", SECRET, "scope").secret(Deadline.after(1))


def test_a_token_is_renewed_before_it_ends_and_after_a_refusal(clock: Clock) -> None:
    fetched: list[str] = []

    def fetch(_: Deadline) -> Token:
        fetched.append(f"T{len(fetched)}")
        return Token(SecretStr(fetched[-1]), 3600.0)

    cache = TokenCache(clock)

    def ask(seconds: float, *, fresh: bool = False) -> str:
        clock.now += seconds
        return cache.get(fetch, Deadline.after(1), fresh=fresh).get_secret_value()

    assert [ask(0), ask(3299), ask(2), ask(1, fresh=True), ask(10, fresh=True)] == [
        "T0",
        "T0",
        "T1",
        "T1",
        "T2",
    ]


def test_nothing_of_a_source_is_shown(endpoint: Endpoint) -> None:
    endpoint.answers = [(200, {"access_token": "canary-token"})]
    tokens = source(endpoint)
    tokens.secret(Deadline.after(5))

    assert "canary" not in repr(tokens)
    assert hash(tokens) == hash(source(endpoint))
