"""The webhook of an API key: which addresses, which secrets, and where they may be seen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr, ValidationError

from producers.web.keyfile import KeyFile, NoSuchKey
from producers.web.keyring import Keyring
from producers.web.webhook import ENDS, SigningSecret, Webhook, bytes_of, new_secret

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2030, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def webhook(**fields: Any) -> Webhook:
    made = {"url": "https://shop.example/hook", "secrets": ({"secret": new_secret()},)}
    return Webhook.model_validate({**made, **fields})


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/hook?a=b",
        "https://shop.example:8443",
        "http://localhost:8000/",
        "http://127.0.0.1/x",
        "http://[::1]:80/x",
    ],
)
def test_https_anywhere_and_http_on_this_machine_will_do(url: str) -> None:
    assert webhook(url=url).url == url


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://shop.example/", "https://"),
        ("http://127.0.0.1.shop.example/", "https://"),
        ("ftp://shop.example/", "https://"),
        ("shop.example/hook", "https://"),
        ("https://", "https://"),
        ("https://shop.example:0/", "https://"),
        ("https://shop.example:x/", "https://"),
        ("https://[::1/", "https://"),
        ("https://shop.example/a b", "https://"),
        ("https://shop.example/\r\nX: y", "https://"),
        ("https://shöp.example/", "xn--"),
        ("https://ann:canary@shop.example/", "login"),
        ("https://shop.example/#canary", "fragment"),
        ("https://shop.example/" + "a" * 2000, "2000"),
    ],
)
def test_other_addresses_are_refused_without_being_repeated(url: str, told: str) -> None:
    with pytest.raises(ValidationError) as refused:
        webhook(url=url)

    assert told in str(refused.value)
    assert "canary" not in str(refused.value)


def test_all_ends_are_told_unless_some_are_chosen_and_nothing_else_can_be() -> None:
    assert set(webhook().states) == set(ENDS)
    assert webhook(states=["not_sent", "not_sent"]).states == ("not_sent",)
    for wrong in (["queued"], [], ["lost"]):
        with pytest.raises(ValidationError):
            webhook(states=wrong)


def test_secrets_are_random_and_long_enough_and_shown_nowhere() -> None:
    first, second = new_secret(), new_secret()
    shown = webhook(secrets=({"secret": first},))

    assert first != second
    assert len(bytes_of(first)) == 32
    text = repr(shown) + str(shown) + shown.model_dump_json() + str(shown.model_dump(mode="json"))
    assert first.get_secret_value() not in text
    assert "shop.example" not in repr(shown)


@pytest.mark.parametrize(
    "text", ["", "whsec_", "whsec_short", "sekret", "whsec_" + "*" * 44, "whsec_" + "A" * 45]
)
def test_what_is_no_secret_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ValidationError) as refused:
        SigningSecret(secret=SecretStr(text))

    assert "must be" in str(refused.value)
    assert not text.removeprefix("whsec_") or text not in str(refused.value)


def test_a_webhook_always_has_a_secret_that_signs() -> None:
    with pytest.raises(ValidationError):
        webhook(secrets=({"secret": new_secret(), "until": NOW},))
    with pytest.raises(ValidationError):
        webhook(secrets=())


def test_both_secrets_sign_while_one_takes_the_others_place() -> None:
    made = [new_secret(), new_secret()]
    first = webhook()

    second = first.rotated(NOW, keep=DAY, make=lambda: made[0])

    assert second.signing(NOW) == (made[0], first.secrets[0].secret)
    assert second.signing(NOW + DAY) == (made[0],)
    third = second.rotated(NOW + 2 * DAY, keep=DAY, make=lambda: made[1])
    assert third.signing(NOW + 2 * DAY) == (made[1], made[0])
    assert third.rotated(NOW + 2 * DAY, keep=timedelta(0), make=new_secret).secrets[1:] == ()


def test_rotating_again_and_again_keeps_three_at_most() -> None:
    hook = webhook()
    for _ in range(5):
        hook = hook.rotated(NOW, keep=DAY, make=new_secret)

    assert len(hook.signing(NOW)) == 3
    assert hook.secrets[0].until is None


def test_the_file_of_keys_keeps_secrets_for_its_owner_only(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "keys.json")
    made = webhook()
    key, _ = file.create(name="shop", webhook=made.model_dump())

    [stored] = file.read()

    assert stored.webhook == made
    assert stored.notify == key.id
    assert made.secrets[0].secret.get_secret_value() in file.path.read_text()
    assert file.path.stat().st_mode & 0o077 == 0


def test_a_change_of_a_key_is_known_at_once_to_who_reads_it_anew(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "keys.json")
    key, _ = file.create(name="shop")
    file.change(key.id, lambda found: found.model_copy(update={"webhook": webhook()}))
    ring = Keyring(file)

    found = ring.get(key.id)

    assert found is not None
    assert found.webhook is not None
    assert ring.get("0" * 12) is None
    with pytest.raises(NoSuchKey):
        file.change("0" * 12, lambda found: found)
