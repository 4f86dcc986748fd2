"""Sealing keys, accounts and Flower's login."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tasks.journal.sealing import generate_key
from worker.doctor.credentials import accounts, flower, sealing, secret_files
from worker.doctor.findings import Status
from worker.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

HOST = {"host": "smtp.example"}


def settings(**fields: Any) -> Settings:
    return Settings.model_validate(fields)


def test_without_a_key_mails_can_be_read_in_redis() -> None:
    finding = sealing(settings())

    assert finding.status is Status.ERROR
    assert "POSTROOM_SEALING_KEYS" in finding.remedy


def test_a_key_is_fine_and_not_shown() -> None:
    key = generate_key()

    finding = sealing(settings(sealing_keys=key))

    assert finding.is_fine
    assert key not in repr(finding)


def test_without_an_account_nothing_can_be_sent() -> None:
    assert [finding.status for finding in accounts(settings())] == [Status.ERROR]


@pytest.mark.parametrize(
    ("account", "default", "expected"),
    [
        pytest.param(HOST, "default", [Status.OK, Status.OK], id="fine"),
        pytest.param(HOST, "other", [Status.WARNING, Status.OK], id="no default"),
        pytest.param(
            {**HOST, "allow_unverified_tls": True}, "default", [Status.OK, Status.WARNING], id="unverified"
        ),
        pytest.param(
            {
                **HOST,
                "security": "none",
                "user_name": "a@x.example",
                "password": "canary",
                "allow_plaintext_auth": True,
            },
            "default",
            [Status.OK, Status.WARNING],
            id="password in clear",
        ),
    ],
)
def test_accounts_are_judged_without_being_tried(
    account: dict[str, Any], default: str, expected: list[Status]
) -> None:
    findings = list(accounts(settings(accounts={"default": account}, default_account=default)))

    assert [finding.status for finding in findings] == expected
    assert "canary" not in repr(findings)


def test_every_file_with_a_secret_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    oauth = {"token_url": "https://login.example/t", "client_id": "c", "scope": "s"}
    keys = tmp_path / "keys"
    keys.write_text(generate_key())
    keys.chmod(0o600)
    found = secret_files(
        settings(
            sealing_keys_file=keys,
            accounts={
                "a": {**HOST, "user_name": "a@x.example", "password_file": tmp_path / "p"},
                "b": {**HOST, "client_certificate": tmp_path / "c", "client_key": tmp_path / "k"},
                "c": {
                    **HOST,
                    "user_name": "c@x.example",
                    "oauth": {**oauth, "client_secret_file": tmp_path / "s"},
                },
            },
        ),
        is_container=False,
    )

    assert {finding.subject.partition(" ")[0]: finding.status for finding in found} == {
        "POSTROOM_SEALING_KEYS_FILE": Status.OK,
        "POSTROOM_ACCOUNTS__a__PASSWORD_FILE": Status.ERROR,
        "POSTROOM_ACCOUNTS__b__CLIENT_KEY": Status.ERROR,
        "POSTROOM_ACCOUNTS__c__OAUTH__CLIENT_SECRET_FILE": Status.ERROR,
    }


def test_flowers_login_is_a_warning_where_flower_would_not_start() -> None:
    assert flower(None).is_fine
    assert flower("Flower needs a login: set FLOWER_BASIC_AUTH").status is Status.WARNING
