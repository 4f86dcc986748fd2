"""`postroom hooks`: webhooks given, changed and taken away; deliveries listed, shown and made again."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import fakeredis
import pytest

from producers.hooks import room
from producers.hooks.deliveries import Deliveries, Settlement
from producers.hooks.events import Event
from producers.hooks.posting import Attempt
from producers.web.keyfile import KeyFile
from tasks.contract.validation import parse
from tasks.journal.control import Control
from tasks.journal.entries import Entry
from tasks.journal.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from redis import Redis

pytestmark = pytest.mark.usefixtures("keys", "redis")

URL = "https://shop.example/hook?canary-token"


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KeyFile:
    file = tmp_path / "keys.json"
    monkeypatch.setenv("POSTROOM_WEB_KEYS_FILE", str(file))
    monkeypatch.chdir(tmp_path)
    return KeyFile(file)


@pytest.fixture
def redis(monkeypatch: pytest.MonkeyPatch) -> Iterator[Redis]:
    server = fakeredis.FakeServer()
    monkeypatch.setattr(room, "connect", lambda _: fakeredis.FakeRedis(server=server))
    with fakeredis.FakeRedis(server=server) as client:
        yield client


@pytest.fixture
def key_id(postroom: Any) -> str:
    return postroom("key", "create", "shop", "--webhook", URL, "--json")[1]["id"]


@pytest.fixture
def delivered(keys: KeyFile, key_id: str, redis: Redis) -> Callable[..., str]:
    """Has a mail end and its delivery end with a status; returns the delivery's id."""

    def deliver(status: int) -> str:
        mail = parse({"to": "ann@x.org", "subject": "s", "body": "b"})
        Journal(redis).accept([replace(Entry.of(f"m{status}", "default", mail), notify=key_id)])
        Control(redis).cancel(f"m{status}")
        deliveries = Deliveries(redis)
        deliveries.admit([Event.of(entry, fields) for entry, fields in deliveries.ended(most=9)])
        address = keys.read()[0].webhook.fingerprint  # type: ignore[union-attr]  # it has one
        [claim] = deliveries.claim({key_id: address})
        attempt = Attempt(at=1893456000.0, seconds=0.012, status=status, excerpt="thanks")
        deliveries.settle([Settlement(claim, attempt, address, None)])
        return claim.delivery_id

    return deliver


def test_a_key_is_made_with_a_webhook_and_both_secrets_are_shown_once(postroom: Any, keys: KeyFile) -> None:
    code, output, errors = postroom("key", "create", "shop", "--webhook", URL, "--webhook-state", "not_sent")

    token, secret = output.split()
    [key] = keys.read()
    assert code == 0
    assert key.webhook is not None
    assert (key.webhook.url, key.webhook.states) == (URL, ("not_sent",))
    assert key.webhook.secrets[0].secret.get_secret_value() == secret
    assert "not shown again" in errors
    for command in (("key", "list"), ("key", "list", "--json"), ("hooks", "set", key.id, "--url", URL)):
        _, shown, errors = postroom(*command)
        assert secret not in str(shown) + errors
        assert token not in str(shown) + errors


def test_a_key_without_a_webhook_is_made_as_ever(postroom: Any, keys: KeyFile) -> None:
    assert len(postroom("key", "create", "shop")[1].split()) == 1
    assert keys.read()[0].webhook is None


def test_a_key_is_given_a_webhook_and_it_another_address(postroom: Any, keys: KeyFile) -> None:
    key_id = postroom("key", "create", "shop", "--json")[1]["id"]

    secret = postroom("hooks", "set", key_id, "--url", URL, "--state", "sent")[1].strip()
    again = postroom("hooks", "set", key_id, "--url", "https://other.example/", "--json")[1]

    [key] = keys.read()
    assert key.webhook is not None
    assert key.webhook.url == "https://other.example/"
    assert key.webhook.states == ("sent",)
    assert key.webhook.secrets[0].secret.get_secret_value() == secret
    assert "webhook_secret" not in again


def test_a_secret_is_rotated_and_the_old_one_signs_for_a_while(
    postroom: Any, keys: KeyFile, key_id: str
) -> None:
    old = keys.read()[0].webhook.secrets[0].secret  # type: ignore[union-attr]  # it has one

    code, document, _ = postroom("hooks", "rotate-secret", key_id, "--keep", "1", "--json")

    webhook = keys.read()[0].webhook
    assert code == 0
    assert webhook is not None
    assert [each.secret.get_secret_value() for each in webhook.secrets] == [
        document["webhook_secret"],
        old.get_secret_value(),
    ]
    assert webhook.secrets[1].until is not None
    assert old.get_secret_value() not in json.dumps(document)


def test_a_webhook_is_taken_away(postroom: Any, keys: KeyFile, key_id: str) -> None:
    assert postroom("hooks", "remove", key_id)[0] == 0
    assert keys.read()[0].webhook is None


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["key", "create", "x", "--webhook", "http://shop.example/canary"], "https://"),
        (["key", "create", "x", "--webhook", URL, "--webhook-state", "queued"], "final states"),
        (["key", "create", "x", "--webhook-state", "sent"], "needs --webhook"),
        (["hooks", "set", "KEY", "--url", "https://ann:canary@shop.example/"], "login"),
        (["hooks", "set", "0" * 12, "--url", URL], "there is no key"),
        (["hooks", "rotate-secret", "0" * 12], "there is no key"),
        (["hooks", "replay"], "name deliveries"),
        (["hooks", "replay", "evt_1", "--failed", "KEY"], "name deliveries"),
    ],
)
def test_what_is_wrong_is_told_with_code_2(
    postroom: Any, key_id: str, arguments: list[str], told: str
) -> None:
    line = [key_id if argument == "KEY" else argument for argument in arguments]

    code, document, _ = postroom(*line, "--json")

    assert code == 2
    assert told in document["error"]["message"]
    assert "canary" not in document["error"]["message"]


@pytest.mark.parametrize(
    "arguments",
    [["rotate-secret"], ["test"], ["replay", "--failed"]],
    ids=["rotate", "test", "replay"],
)
def test_a_key_without_a_webhook_is_said(postroom: Any, arguments: list[str]) -> None:
    key_id = postroom("key", "create", "shop", "--json")[1]["id"]

    code, document, _ = postroom("hooks", *arguments, key_id, "--json")

    assert (code, document["error"]["code"]) == (2, "no_webhook")


def test_deliveries_are_listed_and_shown(postroom: Any, key_id: str, delivered: Callable[..., str]) -> None:
    good, bad = delivered(200), delivered(500)

    lines = postroom("hooks", "list")[1].splitlines()
    of_key = postroom("hooks", "list", key_id, "--state", "failed", "--json")[1]
    shown = postroom("hooks", "show", bad)[1]

    assert [line.split()[:3] for line in lines] == [
        [bad, "failed", "email.cancelled"],
        [good, "delivered", "email.cancelled"],
    ]
    assert [each["id"] for each in of_key] == [bad]
    assert of_key[0]["attempts"] == [
        {
            "at": "2030-01-01T00:00:00+00:00",
            "seconds": 0.012,
            "status": 500,
            "error": None,
            "excerpt": "thanks",
        }
    ]
    assert "500  12 ms  thanks" in shown


def test_deliveries_are_made_again(postroom: Any, key_id: str, delivered: Callable[..., str]) -> None:
    good, bad = delivered(200), delivered(500)

    one = postroom("hooks", "replay", good, "--json")[1]
    failed = postroom("hooks", "replay", "--failed", key_id, "--json")[1]

    assert [(each["id"], each["state"], each["tries"]) for each in one] == [(good, "pending", 0)]
    assert [(each["id"], each["state"]) for each in failed] == [(bad, "pending")]


def test_nothing_is_made_again_for_a_disabled_webhook(postroom: Any, delivered: Callable[..., str]) -> None:
    gone = delivered(410)

    code, document, _ = postroom("hooks", "replay", gone, "--json")

    assert (code, document["error"]["code"]) == (2, "webhook_disabled")


@pytest.mark.parametrize("command", ["show", "replay"])
def test_an_unknown_delivery_is_said(postroom: Any, command: str) -> None:
    code, document, _ = postroom("hooks", command, "evt_none", "--json")

    assert (code, document["error"]["code"]) == (4, "no_such_delivery")


def test_a_trial_is_handed_in_and_says_when_nobody_delivers_it(postroom: Any, key_id: str) -> None:
    code, document, _ = postroom("hooks", "test", key_id, "--json")
    waited, _, _ = postroom("hooks", "test", key_id, "--wait", "0.2")

    assert (code, document["state"], document["type"]) == (0, "pending", "webhook.test")
    assert waited == 3


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("POSTROOM_HOOKS_TIMEOUT", "soon", "POSTROOM_HOOKS_TIMEOUT"),
        ("POSTROOM_HOOKS_ALLOWED_NETWORKS", "10.0.0.0/8; 10.1.2.3/16", "entry 2"),
        ("POSTROOM_BROKER_URL", "nowhere", "--broker"),
    ],
)
def test_a_sender_says_which_setting_is_wrong_and_does_not_start(
    postroom: Any, monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(name, value)

    code, _, errors = postroom("hooks", "run")

    assert code == 2
    assert told in " ".join(errors.split())
