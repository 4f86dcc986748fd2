"""`postroom key`: keys made, listed and revoked from the shell."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from producers.web.keyfile import KeyFile
from producers.web.keyring import Keyring

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KeyFile:
    file = tmp_path / "keys.json"
    monkeypatch.setenv("POSTROOM_WEB_KEYS_FILE", str(file))
    return KeyFile(file)


def test_a_key_is_shown_once_and_works(postroom: Any, keys: KeyFile) -> None:
    code, output, errors = postroom(
        "key", "create", "shop", "--account", "shop", "--sender", "@a.example; b@c.example", "--lane", "bulk"
    )
    key = Keyring(keys).find(output.strip())
    listed = postroom("key", "list")

    assert code == 0
    assert key is not None
    assert (key.account, key.allowed_senders, key.lanes) == ("shop", ("@a.example", "b@c.example"), ("bulk",))
    assert "not shown again" in errors
    assert key.id in listed[1]
    assert output.strip() not in listed[1]


def test_a_revoked_key_is_listed_as_such(postroom: Any, keys: KeyFile) -> None:
    key_id = postroom("key", "create", "shop", "--json")[1]["id"]

    code, document, _ = postroom("key", "revoke", key_id, "--json")

    assert code == 0
    assert document["revoked_at"]
    assert "revoked" in postroom("key", "list")[1]
    assert json.loads(keys.path.read_text())["keys"][0]["revoked_at"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["revoke", "000000000000"], "there is no key"),
        (["create", "x" * 65], "64"),
        (["create", "shop", "--rate", "0"], "must be more than 0"),
    ],
    ids=["unknown", "long name", "no rate"],
)
def test_what_is_wrong_is_told_with_code_2(
    postroom: Any, keys: KeyFile, arguments: list[str], told: str
) -> None:
    code, document, _ = postroom("key", *arguments, "--json")

    assert (code, document["error"]["code"]) == (2, "usage")
    assert told in document["error"]["message"]
    assert not keys.path.exists()


def test_a_file_that_is_no_file_of_keys_is_told_and_left_alone(postroom: Any, keys: KeyFile) -> None:
    keys.path.write_text("precious")

    code, _, errors = postroom("key", "create", "shop")

    assert code == 2
    assert "is no file of keys" in " ".join(errors.replace("│", " ").split())
    assert keys.path.read_text() == "precious"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POSTROOM_WEB_PORT", "http"),
        ("POSTROOM_WEB_BODY_TIMEOUT", "0"),
        ("POSTROOM_WEB_LOG_LEVEL", "LOUD"),
        ("POSTROOM_MODE", "staging"),
        ("POSTROOM_BROKER_URL", "nowhere"),
    ],
)
def test_the_gateway_says_which_setting_is_wrong_and_does_not_start(
    postroom: Any, keys: KeyFile, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    code, _, errors = postroom("web")

    assert code == 2
    assert ("--broker" if "BROKER" in name else f" {name}:") in errors
    assert not keys.path.exists()
