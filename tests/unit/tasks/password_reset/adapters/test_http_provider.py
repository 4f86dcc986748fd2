"""Users and links from an HTTP endpoint, asked for over a real socket."""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from tasks.password_reset.adapters.http_provider import Endpoint, HttpDirectory, HttpIssuer
from tasks.password_reset.ports import Unreachable, Unusable, User

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ANN = {"user": "7", "email": "ann@example.org", "name": "Ann", "active": False}


@dataclass
class Provider:
    """What the endpoint answers, and what it was asked."""

    url: str = ""
    status: int = 200
    body: bytes = b""
    kind: str = "application/json"
    drip: float = 0.0
    asked: list[tuple[Any, str | None]] = field(default_factory=list)


@pytest.fixture
def provider() -> Iterator[Provider]:
    told = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            told.asked.append((question, self.headers.get("Authorization")))
            self.send_response(told.status)
            self.send_header("Content-Type", told.kind)
            self.send_header("Content-Length", str(len(told.body)))
            self.send_header("Location", "https://elsewhere.example.org/")
            self.end_headers()
            with suppress(OSError):
                for byte in told.body if told.drip else ():
                    self.wfile.write(bytes([byte]))
                    time.sleep(told.drip)
                self.wfile.write(b"" if told.drip else told.body)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_port}/lookup"
    yield told
    server.shutdown()
    thread.join()
    server.server_close()


def answer(provider: Provider, document: Any) -> None:
    provider.body = json.dumps(document).encode()


def test_a_user_is_asked_for_with_the_token_of_the_file(provider: Provider, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("t0ken\n")
    answer(provider, ANN)
    found = HttpDirectory(Endpoint(provider.url, token)).lookup("ann", timeout=5.0)

    assert found == User("7", "ann@example.org", "Ann", is_active=False)
    assert provider.asked == [({"identifier": "ann"}, "Bearer t0ken")]


def test_404_is_nobody(provider: Provider) -> None:
    provider.status = 404

    assert HttpDirectory(Endpoint(provider.url)).lookup("ann", timeout=5.0) is None


def test_a_link_is_asked_for_by_reference(provider: Provider) -> None:
    answer(provider, {"link": "https://accounts.example.org/x"})
    link = HttpIssuer(Endpoint(provider.url)).issue(User("7", "ann@example.org"), 600, timeout=5.0)

    assert link.get_secret_value() == "https://accounts.example.org/x"
    assert provider.asked == [({"user": "7", "ttl": 600}, None)]


@pytest.mark.parametrize("status", [302, 401, 403, 429, 500, 503])
def test_any_other_status_is_an_endpoint_that_is_away(status: int, provider: Provider) -> None:
    provider.status = status
    answer(provider, ANN)

    with pytest.raises(Unreachable):
        HttpDirectory(Endpoint(provider.url)).lookup("ann", timeout=5.0)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"user": "7"}', b" " * 70_000, b"[" * 60_000],
    ids=["empty", "cut", "list", "no email", "long", "deep"],
)
def test_an_answer_that_cannot_be_used_is_an_endpoint_that_is_away(body: bytes, provider: Provider) -> None:
    provider.body = body

    with pytest.raises(Unreachable):
        HttpDirectory(Endpoint(provider.url)).lookup("ann", timeout=5.0)


def test_an_issuer_without_a_link_is_away(provider: Provider) -> None:
    answer(provider, {"link": None})

    with pytest.raises(Unreachable):
        HttpIssuer(Endpoint(provider.url)).issue(User("7"), 600, timeout=5.0)


def test_an_answer_that_drips_is_given_up_in_time(provider: Provider) -> None:
    answer(provider, {**ANN, "name": "x" * 200})
    provider.drip = 0.05
    started = time.monotonic()

    with pytest.raises(Unreachable):
        HttpDirectory(Endpoint(provider.url)).lookup("ann", timeout=0.3)
    assert time.monotonic() - started < 1.3


def test_nobody_listening_is_an_endpoint_that_is_away() -> None:
    with pytest.raises(Unreachable):
        HttpDirectory(Endpoint("http://127.0.0.1:9/")).lookup("ann", timeout=2.0)


def test_a_token_that_cannot_be_read_is_an_endpoint_that_is_away(provider: Provider, tmp_path: Path) -> None:
    with pytest.raises(Unreachable):
        HttpDirectory(Endpoint(provider.url, tmp_path / "none")).lookup("ann", timeout=2.0)

    assert provider.asked == []


@pytest.mark.parametrize(
    "url", ["", "idp.example.org", "http://idp.example.org/", "ftp://localhost/", "https://"]
)
def test_an_endpoint_that_is_not_safe_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="must be an https:// address"):
        Endpoint(url)


@pytest.mark.parametrize("adapter", [HttpDirectory, HttpIssuer])
def test_a_trial_asks_for_nobody_and_finds_nothing_wrong_where_nothing_is(
    adapter: Any, provider: Provider
) -> None:
    provider.status = 404
    answer(provider, {"error": "nobody"})

    assert adapter(Endpoint(provider.url)).probe(timeout=5.0) == "answers"
    assert "postroom-doctor" in provider.asked[0][0].values()


@pytest.mark.parametrize(
    ("status", "kind", "body", "found", "is_certain"),
    [
        (401, "application/json", b"{}", "does not take the token (401)", True),
        (403, "text/html", b"", "does not take the token (403)", True),
        (404, "text/html", b"<h1>", "the address may be wrong", False),
        (405, "text/html", b"<h1>", "it answers 405", True),
        (422, "application/json", b'{"error": "ttl: at most 600"}', "it answers 422: ttl: at most 600", True),
        (302, "text/html", b"", "it answers 302", True),
        (502, "text/html", b"", "it answers 502", False),
        (200, "text/html", b"<h1>", "no JSON object", True),
        (200, "application/json", b"[]", "no JSON object", True),
        (200, "application/json", b'{"user": "7"}', "its answer has no", True),
    ],
)
@pytest.mark.parametrize("adapter", [HttpDirectory, HttpIssuer])
def test_a_trial_says_what_is_wrong_with_an_endpoint(  # noqa: PLR0913 - what an answer is made of
    *,
    adapter: Any,
    status: int,
    kind: str,
    body: bytes,
    found: str,
    is_certain: bool,
    provider: Provider,
) -> None:
    provider.status, provider.kind, provider.body = status, kind, body

    with pytest.raises(Unusable) as caught:
        adapter(Endpoint(provider.url)).probe(timeout=5.0)
    assert found in caught.value.found
    assert caught.value.is_certain is is_certain
    assert caught.value.remedy


def test_a_trial_tells_an_endpoint_that_is_away_and_a_token_that_cannot_be_read(
    provider: Provider, tmp_path: Path
) -> None:
    with pytest.raises(Unusable, match="Connection refused"):
        HttpDirectory(Endpoint("http://127.0.0.1:9/")).probe(timeout=2.0)
    with pytest.raises(Unusable, match="TOKEN_FILE cannot be read"):
        HttpIssuer(Endpoint(provider.url, tmp_path / "none")).probe(timeout=2.0)
