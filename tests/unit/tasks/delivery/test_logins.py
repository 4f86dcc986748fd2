"""How accounts log in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from tasks.delivery.accounts import Account
from tasks.delivery.logins import login_of
from tasks.smtp.oauth import ClientCredentials, CommandSecret, RefreshToken
from tasks.smtp.refresh_tokens import TokenFile
from tasks.smtp.secret_sources import FileSecret, StaticSecret

CLIENT = {"token_url": "https://login.example/token", "client_id": "id"}
SECRET = SecretStr("canary")


def account(**fields: Any) -> Account:
    return Account(**{"name": "default", "host": "smtp.example", "user_name": "a@x.example", **fields})


@pytest.mark.parametrize(
    ("fields", "source"),
    [
        ({"password": SECRET}, StaticSecret(SECRET)),
        ({"password_file": "/run/p"}, FileSecret(Path("/run/p"))),
        (
            {"password_command": "vault read 'mail desk'"},
            CommandSecret(("vault", "read", "mail desk"), gives_tokens=False),
        ),
        ({"oauth": {"token": SECRET}}, StaticSecret(SECRET, gives_tokens=True)),
        ({"oauth": {"token_file": "/run/t"}}, FileSecret(Path("/run/t"), gives_tokens=True)),
        ({"oauth": {"token_command": "token get"}}, CommandSecret(("token", "get"))),
        (
            {"oauth": {**CLIENT, "client_secret": SECRET, "scope": "s"}},
            ClientCredentials("https://login.example/token", "id", StaticSecret(SECRET), "s"),
        ),
        (
            {"oauth": {**CLIENT, "refresh_token_file": "/run/r"}},
            RefreshToken("https://login.example/token", "id", TokenFile(Path("/run/r"))),
        ),
    ],
    ids=["password", "file", "command", "token", "token file", "token command", "client", "refresh"],
)
def test_each_kind_of_secret_has_its_source(fields: dict[str, Any], source: object) -> None:
    login = login_of(account(**fields))

    assert login is not None
    assert login.secret == source
    assert "canary" not in repr(account(**fields)) + repr(login)


@pytest.mark.parametrize(
    "fields",
    [{}, {"password": SECRET, "authentication": False}],
    ids=["no secret", "authentication switched off"],
)
def test_an_account_without_a_login_has_none(fields: dict[str, Any]) -> None:
    assert login_of(account(**fields)) is None


@pytest.mark.parametrize(
    ("oauth", "said"),
    [
        ({}, "token_url"),
        ({"token_url": "http://login.example/token", "client_id": "id", "client_secret": "canary"}, "https"),
        ({**CLIENT}, "client_secret or refresh_token"),
        ({**CLIENT, "client_secret": "canary"}, "scope"),
        ({**CLIENT, "token_url": "https://x.example/{tenant}", "client_secret": "c", "scope": "s"}, "tenant"),
    ],
    ids=["nothing", "in clear", "no secret", "no scope", "no tenant"],
)
def test_an_incomplete_group_says_what_is_missing(oauth: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        account(oauth=oauth)

    assert said in str(caught.value)
    assert "canary" not in str(caught.value)


def test_microsoft_365_needs_only_what_is_the_customers_own() -> None:
    oauth = {"tenant": "example.onmicrosoft.com", "client_id": "id", "client_secret": "canary"}
    found = Account.model_validate(
        {"name": "m", "preset": "microsoft365", "user_name": "a@x.example", "oauth": oauth}
    )

    login = login_of(found)

    assert (found.host, found.effective_port) == ("smtp.office365.com", 587)
    assert login is not None
    assert isinstance(login.secret, ClientCredentials)
    assert "/example.onmicrosoft.com/" in login.secret.token_url


def test_a_preset_gives_way_to_what_is_set() -> None:
    found = Account.model_validate(
        {"name": "g", "preset": "gmail", "port": 465, "security": "SSL", "user_name": "a", "password": "x"}
    )

    assert (found.host, found.effective_port, found.oauth) == ("smtp.gmail.com", 465, None)
