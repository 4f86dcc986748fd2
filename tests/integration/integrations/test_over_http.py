"""What stands between a web application and the gateway: connections that end, and answers of others."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from producers.integrations.client import Client
from producers.integrations.failures import Misconfigured, NoSuchMail, Refused, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

GOOD: dict[str, Any] = {"to": "ann@example.org", "subject": "Hello", "body": "How are you?"}
ACCEPTED = (202, {"Content-Type": "application/json"}, b'{"id": "an-id"}')


@dataclass
class Stand:
    """What stands in for the gateway: the answers it gives in order, None for closing without one."""

    url: str = ""
    answers: list[tuple[int, dict[str, str], bytes] | None] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    connections: int = 0

    @property
    def keys(self) -> set[str]:
        """The idempotency keys that were sent."""
        return {json.loads(body)["idempotency_key"] for _, _, body in self.requests}


@pytest.fixture
def stand() -> Iterator[Stand]:
    stand = Stand()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            stand.connections += 1
            super().setup()

        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            stand.requests.append((self.path, dict(self.headers), body))
            answer = stand.answers.pop(0)
            if answer is None:
                self.close_connection = True
                return
            status, headers, content = answer
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        stand.url = f"http://127.0.0.1:{server.server_port}"
        yield stand
        server.shutdown()


@pytest.fixture
def client(stand: Stand) -> Iterator[Client]:
    with Client(gateway_url=f"{stand.url}/post/", api_key="pr_key", give_up_after=1) as client:
        yield client


def test_a_connection_is_kept_and_a_path_of_the_proxys_is_heeded(stand: Stand, client: Client) -> None:
    stand.answers = [ACCEPTED, ACCEPTED]

    client.send(**GOOD)
    client.send(**GOOD, lane="reset")

    assert stand.connections == 1
    assert [path for path, _, _ in stand.requests] == [
        "/post/v1/emails?lane=default",
        "/post/v1/emails?lane=reset",
    ]
    assert stand.requests[0][1]["Authorization"] == "Bearer pr_key"
    assert len(stand.keys) == 2


def test_a_lost_answer_on_a_kept_connection_is_asked_for_again_as_the_same_mail(
    stand: Stand, client: Client
) -> None:
    stand.answers = [ACCEPTED, None, ACCEPTED]
    client.send(**GOOD)
    before = stand.keys

    assert client.send(**GOOD) == "an-id"
    assert stand.connections == 2
    assert len(stand.requests) == 3
    assert len(stand.keys - before) == 1


def test_a_lost_answer_on_a_new_connection_is_asked_for_again_once(stand: Stand, client: Client) -> None:
    stand.answers = [None, ACCEPTED]

    assert client.send(**GOOD) == "an-id"
    assert len(stand.keys) == 1


def test_a_gateway_that_is_busy_is_asked_again_as_it_wishes(stand: Stand, client: Client) -> None:
    stand.answers = [(503, {"Retry-After": "0"}, b"{}"), (502, {}, b"<html>"), ACCEPTED]

    assert client.send(**GOOD) == "an-id"
    assert len(stand.keys) == 1


def test_a_gateway_that_wishes_for_more_than_there_is_patience_is_unavailable(
    stand: Stand, client: Client
) -> None:
    stand.answers = [(429, {"Retry-After": "60"}, b"{}")]

    with pytest.raises(Unavailable, match="it answered with 429"):
        client.send(**GOOD)


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        ((500, {}, b'{"detail": "canary"}'), Unavailable, "status 500 and nothing that can be used"),
        ((200, {}, b"<html>canary</html>"), Unavailable, "status 200 and nothing that can be used"),
        ((202, {}, b"[1]"), Unavailable, "status 202 and nothing that can be used"),
        ((202, {}, b"{}"), Unavailable, "without an id"),
        ((301, {"Location": "https://x"}, b""), Misconfigured, "sends to another address"),
        ((401, {}, b"{}"), Misconfigured, "refuses the API key"),
        ((413, {}, b'{"detail": "too much"}'), Refused, "the mail: too much"),
        (None, Unavailable, "the gateway cannot be reached"),
    ],
    ids=str,
)
def test_answers_of_every_kind_are_told(
    stand: Stand, client: Client, answer: Any, error: type[Exception], said: str
) -> None:
    stand.answers = [answer, answer]

    with pytest.raises(error, match=said) as told:
        client.send(**GOOD)
    assert "canary" not in str(told.value)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((404, {}, b'{"detail": "no"}'), NoSuchMail),
        ((404, {}, b"<html>"), Unavailable),
        ((422, {}, b'{"detail": "no"}'), Refused),
        ((200, {}, b"{}"), Unavailable),
    ],
    ids=["none of this id", "another server's", "wrong request", "another document"],
)
def test_a_question_is_answered_by_the_gateway_or_not_at_all(
    stand: Stand, client: Client, answer: Any, error: type[Exception]
) -> None:
    stand.answers = [answer]

    with pytest.raises(error):
        client.status("an-id")


# A child must not close what it shares with its parent, so that here nobody does.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
def test_a_process_that_was_forked_has_connections_of_its_own(
    stand: Stand, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand.answers = [ACCEPTED, ACCEPTED]
    client.send(**GOOD)
    with monkeypatch.context() as child:
        child.setattr(os, "getpid", lambda: 1)
        client.send(**GOOD)
        client.close()

    assert stand.connections == 2
