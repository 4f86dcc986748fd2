"""Webhooks over HTTP: whose mails are told, and what the key's holder sees of deliveries."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from producers.hooks.deliveries import Deliveries, Settlement
from producers.hooks.events import Event
from producers.hooks.posting import Attempt
from producers.web.webhook import Webhook, new_secret
from tasks.journal.keys import ENDED

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from producers.web.gateway import Gateway
    from producers.web.keyfile import KeyFile

URL = "https://shop.example/mails"


@pytest.fixture
def webhook() -> Webhook:
    """The webhook of the first key; the other one has none."""
    secret = new_secret().get_secret_value()
    return Webhook.model_validate({"url": URL, "states": ["cancelled"], "secrets": [{"secret": secret}]})


@pytest.fixture
def first_fields(webhook: Webhook) -> dict[str, Any]:
    return {"webhook": webhook}


@pytest.fixture
def deliver(redis: Redis, keys: tuple[str, str], webhook: Webhook) -> Callable[..., str]:
    """Makes a delivery of a mail's end, and an attempt that ends with a status; returns its id."""

    def attempt(status: int, *, wait: float | None = None) -> str:
        deliveries = Deliveries(redis)
        deliveries.admit([Event.of(entry, fields) for entry, fields in deliveries.ended(most=9)])
        [claim] = deliveries.claim({keys[0][3:15]: webhook.fingerprint})
        made = Attempt(at=1893456000.0, seconds=0.0123, status=status, excerpt="thanks")
        deliveries.settle([Settlement(claim, made, webhook.fingerprint, wait)])
        return claim.delivery_id

    return attempt


@pytest.fixture
def end(call: Any, mail: dict[str, Any]) -> Callable[[], str]:
    """Has a mail end by cancelling it; returns its id."""

    def cancel() -> str:
        mail_id: str = call("POST", "/v1/emails", json=mail).json()["id"]
        call("DELETE", f"/v1/emails/{mail_id}")
        return mail_id

    return cancel


def test_only_mails_of_a_key_with_a_webhook_are_told(
    call: Any, other: Any, mail: dict[str, Any], redis: Redis, keys: tuple[str, str]
) -> None:
    told = call("POST", "/v1/emails", json=mail).json()["id"]
    batch = call("POST", "/v1/emails/batch", json=[mail]).json()["outcomes"][0]["email"]["id"]
    reset = call("POST", "/v1/password-resets/users", json={"user": "ann"}).json()["id"]
    completed = call("POST", "/v1/password-resets/completed", json={"user": "ann"}).json()["id"]
    untold = other("POST", "/v1/emails", json=mail).json()["id"]

    notified = {
        each: redis.hget(f"postroom:mail:{each}", "notify")
        for each in (told, batch, reset, completed, untold)
    }
    key_id = keys[0][3:15].encode()
    assert notified == {told: key_id, batch: key_id, reset: key_id, completed: key_id, untold: None}


def test_a_public_request_for_a_reset_is_never_told(call: Any, redis: Redis) -> None:
    asked = {"user": "ann", "source": "192.0.2.1"}
    mail_id = call("POST", "/v1/password-resets/requests", json=asked).json()["id"]

    assert redis.hget(f"postroom:mail:{mail_id}", "notify") is None


def test_what_is_told_is_what_is_answered_to_who_asks(
    call: Any, end: Callable[[], str], redis: Redis
) -> None:
    mail_id = end()
    [(entry, fields)] = redis.xrange(ENDED)
    body = json.loads(Event.of(entry.decode(), fields).body)

    assert body["data"] == call("GET", f"/v1/emails/{mail_id}").json()


def test_what_is_told_is_what_the_document_says(call: Any, end: Callable[[], str], redis: Redis) -> None:
    end()
    [(entry, fields)] = redis.xrange(ENDED)
    document = call("GET", "/openapi.json").json()

    for name, event in {
        "emailEnded": Event.of(entry.decode(), fields),
        "webhookTest": Event.trial("shop"),
    }.items():
        at = f"#/webhooks/{name}/post/requestBody/content/application~1json/schema"
        schema = Draft202012Validator({**document, "$ref": at}, format_checker=FormatChecker())
        assert list(schema.iter_errors(json.loads(event.body))) == []
        assert list(schema.iter_errors({"type": "other", "timestamp": "now", "data": {}})) != []


def test_a_key_sees_its_webhook_and_not_its_secret(call: Any, webhook: Webhook) -> None:
    answer = call("GET", "/v1/webhooks")

    assert answer.status_code == 200
    assert answer.json() == {
        "url": URL,
        "states": ["cancelled"],
        "failing_since": None,
        "disabled_at": None,
        "reason": None,
    }
    assert webhook.secrets[0].secret.get_secret_value() not in answer.text
    assert "RateLimit" in answer.headers


def test_deliveries_are_listed_page_by_page_and_by_state(
    call: Any, end: Callable[[], str], deliver: Callable[..., str]
) -> None:
    made = []
    for status in (200, 500, 500):
        mail_id = end()
        made.append((deliver(status), mail_id))

    first = call("GET", "/v1/webhooks/deliveries?limit=2").json()
    second = call("GET", f"/v1/webhooks/deliveries?limit=2&cursor={first['next']}").json()
    delivered = call("GET", "/v1/webhooks/deliveries?state=delivered").json()["deliveries"]

    found = [(each["id"], each["email"]) for each in (*first["deliveries"], *second["deliveries"])]
    assert found == [(delivery_id, f"/v1/emails/{mail_id}") for delivery_id, mail_id in reversed(made)]
    assert second["next"] is None
    assert [each["id"] for each in delivered] == [made[0][0]]


def test_a_delivery_tells_its_attempts(
    call: Any, end: Callable[[], str], deliver: Callable[..., str]
) -> None:
    end()
    delivery_id = deliver(503, wait=3600.0)

    answer = call("GET", f"/v1/webhooks/deliveries/{delivery_id}").json()

    assert (answer["state"], answer["type"], answer["tries"]) == ("pending", "email.cancelled", 1)
    assert answer["due_at"] is not None
    assert answer["attempts"] == [
        {"at": "2030-01-01T00:00:00Z", "seconds": 0.012, "status": 503, "error": None, "excerpt": "thanks"}
    ]


def test_a_delivery_is_made_again(call: Any, end: Callable[[], str], deliver: Callable[..., str]) -> None:
    end()
    delivery_id = deliver(500)

    answer = call("POST", f"/v1/webhooks/deliveries/{delivery_id}/replay")

    assert answer.status_code == 202
    assert answer.headers["location"] == f"/v1/webhooks/deliveries/{delivery_id}"
    assert (answer.json()["state"], answer.json()["tries"]) == ("pending", 0)
    assert deliver(200) == delivery_id


def test_a_disabled_webhook_takes_a_test_and_nothing_else(
    call: Any, end: Callable[[], str], deliver: Callable[..., str]
) -> None:
    end()
    gone = deliver(410)

    refused = call("POST", f"/v1/webhooks/deliveries/{gone}/replay")
    disabled = call("GET", "/v1/webhooks").json()
    test = call("POST", "/v1/webhooks/test")

    assert (refused.status_code, refused.json()["type"][-16:]) == (409, "webhook-disabled")
    assert disabled["reason"] == "gone"
    assert disabled["disabled_at"]
    assert test.status_code == 202
    assert (test.json()["type"], test.json()["email"]) == ("webhook.test", None)
    assert deliver(200) == test.json()["id"]
    assert call("GET", "/v1/webhooks").json()["disabled_at"] is None
    assert call("POST", f"/v1/webhooks/deliveries/{gone}/replay").status_code == 202


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("POST", "/test"), ("POST", "/deliveries/evt_1/replay")],
    ids=["get", "test", "replay"],
)
def test_a_key_without_a_webhook_is_told_so(other: Any, method: str, path: str) -> None:
    answer = other(method, f"/v1/webhooks{path}")

    assert (answer.status_code, answer.json()["type"]) == (409, "urn:postroom:problem:no-webhook")


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", "/replay")], ids=["get", "replay"])
def test_anothers_delivery_is_answered_as_none_is(  # noqa: PLR0913, PLR0917 (two of them are the table's)
    call: Any, quick: Any, end: Callable[[], str], deliver: Callable[..., str], method: str, path: str
) -> None:
    end()
    delivery_id = deliver(200)

    foreign = quick(method, f"/v1/webhooks/deliveries/{delivery_id}{path}")
    none = call(method, f"/v1/webhooks/deliveries/evt_none{path}")

    assert (foreign.status_code, none.status_code) == (404, 404)
    assert foreign.json() == none.json()


@pytest.fixture
def another(key_file: KeyFile, call: Any, webhook: Webhook) -> Callable[..., Any]:
    """Makes callers with the same webhook and keys of their own."""
    return lambda **fields: call.with_key(str(key_file.create(name="x", webhook=webhook, **fields)[1]))


@pytest.fixture
def quick(another: Callable[..., Any]) -> Any:
    return another()


@pytest.fixture
def slow(another: Callable[..., Any]) -> Any:
    """A caller who may make one request in a very long time."""
    return another(rate=0.001, burst=1)


@pytest.mark.parametrize("query", ["state=lost", "limit=0", "limit=101", "cursor=x"])
def test_wrong_parameters_are_named(call: Any, query: str) -> None:
    answer = call("GET", f"/v1/webhooks/deliveries?{query}")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == query.partition("=")[0]


@pytest.mark.parametrize("path", ["", "/deliveries", "/deliveries/evt_1"])
def test_nothing_is_told_without_a_key(call: Any, path: str) -> None:
    assert call.with_key("")("GET", f"/v1/webhooks{path}").status_code == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("POST", "/test"),
        ("GET", "/deliveries"),
        ("GET", "/deliveries/evt_1"),
        ("POST", "/deliveries/evt_1/replay"),
    ],
)
def test_every_request_counts(slow: Any, method: str, path: str) -> None:
    slow("GET", "/v1/emails")

    answer = slow(method, f"/v1/webhooks{path}")

    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0


def test_deliveries_are_numbers_for_prometheus(
    gateway: Gateway, end: Callable[[], str], deliver: Callable[..., str]
) -> None:
    end()
    deliver(500, wait=60.0)
    end()

    text = gateway.metrics.render().decode()

    assert 'postroom_hooks_attempts_total{outcome="retry"} 1.0' in text
    assert 'postroom_hooks_attempts_total{outcome="delivered"} 0.0' in text
    assert "postroom_hooks_pending 1.0" in text
    assert "postroom_hooks_unread 1.0" in text
    assert "postroom_web_requests" in text
