"""API keys: their file, who finds them, and what they allow."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Any

import pytest

from producers.web.keyfile import KeyFile, NoSuchKey, UnusableKeyFile
from producers.web.keyring import Keyring
from producers.web.keys import new_token, read_token
from tasks.contract.names import Lane

if TYPE_CHECKING:
    from pathlib import Path


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_key_is_found_by_its_token_and_its_secret_is_not_in_the_file(key_file: KeyFile) -> None:
    key, token = key_file.create(name="shop")

    assert Keyring(key_file).find(str(token)) == key
    assert token.secret not in key_file.path.read_text()
    assert token.secret not in repr((key, token))
    assert stat.S_IMODE(key_file.path.stat().st_mode) == 0o600


def test_tokens_are_long_and_never_the_same() -> None:
    tokens = {str(new_token()) for _ in range(100)}

    assert len(tokens) == 100
    assert all(read_token(token) for token in tokens)
    assert {len(token.rpartition("_")[2]) for token in tokens} <= set(range(1, 44))


@pytest.mark.parametrize("change", [slice(0, -1), slice(1, None)], ids=["shorter", "cut"])
def test_a_part_of_a_key_opens_nothing(key_file: KeyFile, change: slice) -> None:
    _, token = key_file.create(name="shop")

    assert Keyring(key_file).find(str(token)[change]) is None
    assert Keyring(key_file).find(str(token) + "A") is None


def test_a_revoked_key_opens_nothing_and_stays_in_the_list(key_file: KeyFile) -> None:
    key, token = key_file.create(name="shop")
    _, other = key_file.create(name="other")

    revoked = key_file.revoke(key.id)

    assert key_file.revoke(key.id) == revoked
    assert Keyring(key_file).find(str(token)) is None
    assert Keyring(key_file).find(str(other)) is not None
    assert [each.name for each in key_file.read()] == ["shop", "other"]
    with pytest.raises(NoSuchKey):
        key_file.revoke("000000000000")


def test_a_new_key_is_known_at_once_and_a_revocation_within_a_second(key_file: KeyFile) -> None:
    clock = Clock()
    keyring = Keyring(key_file, clock=clock)
    key, token = key_file.create(name="shop")

    assert keyring.find(str(token)) is not None
    key_file.revoke(key.id)
    clock.now = 1.0
    assert keyring.find(str(token)) is None


def test_a_file_that_was_damaged_leaves_the_keys_as_they_were(key_file: KeyFile) -> None:
    clock = Clock()
    _, token = key_file.create(name="shop")
    keyring = Keyring(key_file, clock=clock)
    key_file.path.write_text("{")
    clock.now = 1.0

    assert keyring.find(str(token)) is not None


@pytest.mark.parametrize("text", ["{", '{"keys": [{"id": "x"}]}', "[]"])
def test_a_file_that_is_wrong_from_the_beginning_is_refused_without_being_shown(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "keys.json").write_text(text)

    with pytest.raises(UnusableKeyFile, match="is no file of keys"):
        Keyring(KeyFile(tmp_path / "keys.json"))


@pytest.mark.parametrize(
    ("fields", "change", "wrong"),
    [
        ({"account": "shop"}, {"account": "shop"}, []),
        ({"account": "shop"}, {}, []),
        ({"account": "shop"}, {"account": "bank"}, ["/account"]),
        ({"account": "shop"}, {"user_name": "bank@example.org"}, ["/user_name"]),
        ({"allowed_senders": ["@shop.example"]}, {"sender": "Shop <a@shop.example>"}, []),
        ({"allowed_senders": ["a@shop.example"]}, {"sender": "a@shop.example"}, []),
        ({"allowed_senders": ["*"]}, {"sender": "a@any.example"}, []),
        ({"allowed_senders": ["@shop.example"]}, {}, []),
        ({"allowed_senders": ["@shop.example"]}, {"sender": "a@shop.example.org"}, ["/sender"]),
        ({"allowed_recipient_domains": ["example.org"]}, {}, []),
        ({"allowed_recipient_domains": ["example.com"]}, {"cc": "b@example.com"}, ["/to"]),
        ({"blocked_recipient_domains": ["Example.NET"]}, {"bcc": "b@example.net"}, ["/bcc"]),
    ],
)
def test_what_a_key_does_not_allow_is_named(  # noqa: PLR0913, PLR0917 (three are the table's)
    other_fields: dict[str, Any],
    request: pytest.FixtureRequest,
    mail: dict[str, Any],
    fields: dict[str, Any],
    change: dict[str, Any],
    wrong: list[str],
) -> None:
    other_fields.update(fields)

    answer = request.getfixturevalue("other")("POST", "/v1/emails", json={**mail, **change})

    assert answer.status_code == (403 if wrong else 202)
    assert [error["pointer"] for error in answer.json().get("errors", ())] == wrong


def test_a_bound_keys_emails_are_its_accounts(
    other_fields: dict[str, Any], request: pytest.FixtureRequest, mail: dict[str, Any], outbox: Any
) -> None:
    other_fields["account"] = "shop"

    request.getfixturevalue("other")("POST", "/v1/emails", json=mail)

    assert [mail.account for _, mail in outbox.published] == ["shop"]


@pytest.mark.parametrize(
    ("query", "status", "lane"),
    [("", 202, Lane.BULK), ("?lane=bulk", 202, Lane.BULK), ("?lane=reset", 403, None)],
)
def test_a_key_uses_its_own_lanes_only(  # noqa: PLR0913, PLR0917 (three are the table's)
    other_fields: dict[str, Any],
    request: pytest.FixtureRequest,
    mail: dict[str, Any],
    outbox: Any,
    query: str,
    status: int,
    lane: Lane | None,
) -> None:
    other_fields["lanes"] = ["bulk"]

    answer = request.getfixturevalue("other")("POST", f"/v1/emails{query}", json=mail)

    assert answer.status_code == status
    assert [found for found, _ in outbox.published] == ([lane] if lane else [])
