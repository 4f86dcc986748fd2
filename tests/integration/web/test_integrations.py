"""Mails over HTTP from a web application, through the gateway as it runs."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
import redis

from producers.integrations.client import Client
from producers.integrations.connections import Connections
from producers.integrations.failures import Misconfigured, NoSuchMail, Refused, Unavailable
from producers.integrations.mails import File, Mail
from tasks.journal.blobs import BlobStore
from tests.servers.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GOOD: dict[str, Any] = {"to": "ann@example.org", "subject": "Hello", "body": "How are you?"}


@pytest.fixture
def new() -> Iterator[Callable[..., Client]]:
    """Makes clients that are closed in the end."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(Client(**settings))


@pytest.fixture
def client(gateway: Any, new: Callable[..., Client]) -> Client:
    return new(gateway_url=gateway.url, api_key=gateway.key)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of all requests."""
    paths: list[str] = []
    ask = Connections.ask

    def noting(self: Connections, method: str, path: str, *rest: Any) -> Any:
        paths.append(path)
        return ask(self, method, path, *rest)

    monkeypatch.setattr(Connections, "ask", noting)
    return paths


@pytest.fixture
def database(gateway: Any) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(gateway.queue) as database:
        yield database


def test_many_mails_go_in_few_requests_to_their_lanes_and_answers_keep_their_order(
    client: Client, asked: list[str], database: redis.Redis
) -> None:
    mails = [Mail(**GOOD, lane="reset"), *[Mail(**GOOD, lane="bulk")] * 250, Mail(**GOOD)]

    ids = client.send_many(mails)

    assert asked == [
        "/v1/emails?lane=reset",
        *["/v1/emails/batch?lane=bulk"] * 3,
        "/v1/emails?lane=default",
    ]
    assert len(set(ids)) == 252
    lanes = [database.hget(f"postroom:mail:{mail_id}", "lane") for mail_id in ids]
    assert lanes == [b"reset", *[b"bulk"] * 250, b"default"]


def test_threads_share_a_client(client: Client) -> None:
    with ThreadPoolExecutor(16) as threads:
        ids = list(threads.map(lambda _: client.send(**GOOD), range(64)))

    assert len(set(ids)) == 64


def test_a_repeat_with_the_same_key_is_the_same_mail(client: Client) -> None:
    first, second, other = (client.send(**GOOD, idempotency_key=key) for key in ("1", "1", "2"))

    assert first == second != other
    with pytest.raises(Refused, match="has this idempotency key and other parameters"):
        client.send(**{**GOOD, "subject": "Something else"}, idempotency_key="1")


def test_the_gateways_refusal_stands_in_its_place(client: Client) -> None:
    bad = Mail(**{**GOOD, "to": "ann@localhost"})

    first, refusal, last = client.send_many([Mail(**GOOD), bad, Mail(**GOOD)])
    with pytest.raises(Refused) as refused:
        client.send(bad)
    both = client.send_many([bad, bad])

    assert isinstance(first, str)
    assert isinstance(last, str)
    assert str(refusal) == str(refused.value)
    assert str(refusal).startswith("to: entry 1 is not an allowed address")
    assert [str(each) for each in both] == [str(refusal)] * 2


def test_attachments_are_stored_once_and_keep_their_names(
    client: Client, asked: list[str], database: redis.Redis
) -> None:
    content = b"\r\n--boundary\r\n\0" * 100
    files = [File('a "b"; ü.pdf', content), File("c.pdf", content)]

    mail_id = client.send(**GOOD, attachments=files)

    assert asked == ["/v1/attachments", "/v1/emails?lane=default"]
    digest = hashlib.sha256(content).hexdigest()
    payload = database.hget(f"postroom:mail:{mail_id}", "payload").decode()
    assert BlobStore(database).get(digest) == content
    assert f'stored:{digest}/a \\"b\\"; \\u00fc.pdf' in payload
    assert f"stored:{digest}/c.pdf" in payload


def test_a_mail_is_found_again_and_another_is_not(client: Client) -> None:
    mail_id = client.send(**GOOD)

    status = client.wait(mail_id, timeout=0.2)

    assert (status.mail_id, status.state, status.success, status.is_final) == (mail_id, "queued", None, False)
    with pytest.raises(NoSuchMail):
        client.status("00000000-0000-4000-8000-000000000000")
    with pytest.raises(NoSuchMail):
        client.status("../../metrics")


def test_a_wrong_key_is_told_as_a_setting(gateway: Any, new: Callable[..., Client]) -> None:
    client = new(gateway_url=gateway.url, api_key="pr_hunter2")

    with pytest.raises(Misconfigured, match="refuses the API key") as told:
        client.send(**GOOD)
    assert "hunter2" not in str(told.value)


def test_a_key_may_stand_in_a_file(gateway: Any, new: Callable[..., Client], tmp_path: Any) -> None:
    file = tmp_path / "key"
    file.write_text(f"{gateway.key}\n")

    assert new(gateway_url=gateway.url, api_key_file=file).send(**GOOD)


def test_a_rate_that_is_used_up_is_waited_out(gateway: Any, new: Callable[..., Client]) -> None:
    _, token = gateway.keys.create(name="slow", rate=4.0, burst=1)
    patient = new(gateway_url=gateway.url, api_key=str(token))
    hurried = new(gateway_url=gateway.url, api_key=str(token), give_up_after=0.9)

    assert len({patient.send(**GOOD) for _ in range(2)}) == 2
    with pytest.raises(Unavailable):
        hurried.send_many([Mail(**GOOD, lane=lane) for lane in ("reset", "bulk", "default")])


def test_a_gateway_whose_queue_is_away_is_told_in_time(
    start_gateway: Callable[..., Any], queue: Any, new: Callable[..., Client]
) -> None:
    gateway = start_gateway(queue.url)
    client = new(gateway_url=gateway.url, api_key=gateway.key, give_up_after=1)
    client.send(**GOOD)
    queue.process.kill()
    queue.process.wait()

    with pytest.raises(Unavailable):
        client.send(**GOOD)


def test_a_gateway_that_hangs_is_given_up(gateway: Any, new: Callable[..., Client]) -> None:
    with Proxy(gateway.address[1]) as proxy:
        client = new(
            gateway_url=proxy.url.replace("redis:", "http:")[:-2], api_key=gateway.key, give_up_after=2
        )
        client.send(**GOOD)
        proxy.fall_silent()

        with pytest.raises(Unavailable, match="cannot be reached"):
            client.send(**GOOD)
