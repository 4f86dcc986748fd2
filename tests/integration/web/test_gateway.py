"""The running gateway under load, in outages, and when it is told to stop."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

import httpx
import redis

if TYPE_CHECKING:
    from collections.abc import Callable

CLIENTS = 200


async def _post_all(url: str, key: str, mails: list[dict[str, Any]]) -> list[httpx.Response]:
    """Send all *mails* at once, each over a connection of its own."""
    limits = httpx.Limits(max_connections=len(mails), max_keepalive_connections=0)
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, limits=limits, timeout=30.0) as client:
        return await asyncio.gather(*(client.post("/v1/emails", json=mail) for mail in mails))


def test_two_hundred_clients_at_once_each_get_an_id_and_each_email_is_queued_once(
    gateway: Any, mail: dict[str, Any]
) -> None:
    with redis.Redis.from_url(gateway.queue) as client:
        before = client.llen("default")
        mails = [{**mail, "subject": f"To everybody {number}"} for number in range(CLIENTS)]

        answers = asyncio.run(_post_all(gateway.url, gateway.key, mails))

        ids = {answer.json()["id"] for answer in answers}
        assert {answer.status_code for answer in answers} == {202}
        assert len(ids) == CLIENTS
        assert client.llen("default") - before == CLIENTS
        assert all(client.exists(f"postroom:mail:{mail_id}") for mail_id in ids)


def test_equal_requests_at_once_with_one_key_make_one_email(gateway: Any, mail: dict[str, Any]) -> None:
    with redis.Redis.from_url(gateway.queue) as client:
        before = client.llen("default")

        answers = asyncio.run(_post_all(gateway.url, gateway.key, [{**mail, "idempotency_key": "x"}] * 50))

        assert len({answer.json()["id"] for answer in answers}) == 1
        assert sum("idempotency-replayed" in answer.headers for answer in answers) == 49
        assert client.llen("default") - before == 1


def test_a_queue_that_hangs_is_said_in_time_and_takes_no_more_threads(
    start_gateway: Callable[..., Any], queue: Any, mail: dict[str, Any]
) -> None:
    gateway = start_gateway(queue.url)
    with gateway.client() as client:
        mail_id = client.post("/v1/emails", json=mail).json()["id"]
        client.get(f"/v1/emails/{mail_id}")
        queue.freeze()
        began = time.monotonic()

        answers = asyncio.run(_post_all(gateway.url, gateway.key, [mail] * 100))
        polled = client.get(f"/v1/emails/{mail_id}?wait=2")
        ready = client.get("/readyz")
        took = time.monotonic() - began
        threads = gateway.threads()
        alive = client.get("/healthz")
        queue.thaw()
        again = [client.post("/v1/emails", json=mail).status_code for _ in range(8)]

    assert {answer.status_code for answer in (*answers, polled, ready)} == {503}
    assert all(int(answer.headers["retry-after"]) > 0 for answer in answers)
    assert took < 15.0
    assert threads < 20
    assert alive.status_code == 200
    assert again[-1] == 202


def test_a_queue_that_is_gone_is_said_at_once(
    start_gateway: Callable[..., Any], queue: Any, mail: dict[str, Any]
) -> None:
    gateway = start_gateway(queue.url)
    with gateway.client() as client:
        assert client.get("/readyz").status_code == 200
        queue.process.kill()
        queue.process.wait()
        began = time.monotonic()

        answers = [client.post("/v1/emails", json=mail) for _ in range(5)]
        ready = client.get("/readyz")
        page = client.get("/emails", headers={"Cookie": "postroom=of-a-session"})

    assert {answer.status_code for answer in (*answers, ready, page)} == {503}
    assert "<h1>The queue is not available</h1>" in page.text
    assert time.monotonic() - began < 5.0


def test_who_waits_is_answered_when_the_gateway_is_told_to_stop(
    start_gateway: Callable[..., Any], queue: Any, mail: dict[str, Any]
) -> None:
    gateway = start_gateway(queue.url, POSTROOM_WEB_MAX_WAIT="60")
    answers: list[tuple[int, float]] = []
    with gateway.client() as client:
        mail_id = client.post("/v1/emails", json=mail).json()["id"]

        def wait() -> None:
            began = time.monotonic()
            answer = client.get(f"/v1/emails/{mail_id}?wait=60", timeout=70.0)
            answers.append((answer.status_code, time.monotonic() - began))

        waiting = threading.Thread(target=wait)
        waiting.start()
        time.sleep(1.0)
        gateway.process.terminate()
        code = gateway.process.wait(20)
        waiting.join(10)

    assert [status for status, _ in answers] == [200]
    assert answers[0][1] < 15.0
    assert code in {0, -15}


def test_several_processes_share_rates_and_numbers(
    start_gateway: Callable[..., Any], queue: Any, mail: dict[str, Any], tmp_path: Any
) -> None:
    (tmp_path / "token").write_text("let-me-see\n")
    gateway = start_gateway(
        queue.url, POSTROOM_WEB_WORKERS="2", POSTROOM_WEB_METRICS_TOKEN_FILE=str(tmp_path / "token")
    )
    _, token = gateway.keys.create(name="slow", rate=0.001, burst=5)
    time.sleep(1.1)

    answers = asyncio.run(_post_all(gateway.url, str(token), [mail] * 20))
    numbers = httpx.get(f"{gateway.url}/metrics", headers={"Authorization": "Bearer let-me-see"})

    assert sorted(answer.status_code for answer in answers) == [202] * 5 + [429] * 15
    assert 'postroom_web_requests_total{method="POST",route="/v1/emails",status="429"} 15.0' in numbers.text
    assert httpx.get(f"{gateway.url}/metrics").status_code == 404


def test_a_key_holds_as_soon_as_it_is_made_and_no_longer_than_until_it_is_revoked(gateway: Any) -> None:
    key, token = gateway.keys.create(name="new")

    with gateway.client(str(token)) as client:
        time.sleep(1.1)
        made = client.get("/v1/emails").status_code
        gateway.keys.revoke(key.id)
        time.sleep(1.1)
        revoked = client.get("/v1/emails").status_code

    assert (made, revoked) == (200, 401)


def test_the_log_names_requests_and_nothing_that_they_carry(gateway: Any) -> None:
    canaries = ("canary-subject", "canary-body", "canary@example.org", "canary-reference", "canary-key")
    subject, body, to, reference, key = canaries
    with gateway.client() as client:
        accepted = client.post(
            "/v1/emails",
            json={"subject": subject, "body": body, "to": to, "metadata": {"reference": reference}},
            headers={"Idempotency-Key": key},
        ).json()
        client.post("/v1/emails", json={"subject": subject, "body": body, "to": to, "canary-body": 1})
        client.get(f"/v1/emails?reference={reference}")
        client.get(f"/{body}/{reference}")
        client.get(f"/v1/emails/{reference}")

    log = gateway.log.read_text()
    lines = [line for line in gateway.lines() if line.get("mail") == accepted["id"]]
    assert [(line["route"], line["status"]) for line in lines] == [("/v1/emails", 202)]
    assert lines[0]["key"] == gateway.key[3:15]
    assert lines[0]["ms"] > 0
    assert [canary for canary in (*canaries, gateway.key) if canary in log] == []
