"""Settings: where they come from, which one wins, and how a wrong one is explained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tasks.contract.security import Security
from tasks.journal.sealing import generate_key
from worker.settings_sources import InvalidSettings, load

if TYPE_CHECKING:
    from pathlib import Path

    from worker.settings import Settings

KEYS = ("POSTROOM_SEALING_KEYS", "POSTROOM_SEALING_KEYS_FILE", "POSTROOM_REQUIRE_SEALED")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without any settings, and an environment without any either."""
    for name in ("POSTROOM_BROKER_URL", "CELERY_BROKER_URL", "POSTROOM_RESULT_BACKEND", *KEYS):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "secrets").mkdir()
    return tmp_path


def read(folder: Path) -> Settings:
    return load(
        environment_file=folder / ".env",
        configuration=folder / "postroom.toml",
        secrets_folder=folder / "secrets",
    )


def test_nothing_set_means_a_broker_on_this_machine_and_no_account(folder: Path) -> None:
    settings = read(folder)

    assert settings.broker_url == "redis://127.0.0.1:6379/0"
    assert (settings.results, settings.journal) == (settings.broker_url, settings.broker_url)
    assert settings.accounts == {}


def test_an_account_comes_together_from_all_four_places(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "postroom.toml").write_text(
        '[accounts.default]\nhost = "toml.example"\nsecurity = "SSL"\nuser_name = "toml@x.example"\n',
        encoding="utf-8",
    )
    (folder / "secrets" / "postroom_accounts__default__password").write_text("canary\n", encoding="utf-8")
    (folder / ".env").write_text("POSTROOM_ACCOUNTS__default__USER_NAME=file@x.example\n", encoding="utf-8")
    monkeypatch.setenv("POSTROOM_ACCOUNTS__default__HOST", "environment.example")

    account = read(folder).accounts["default"]

    assert account.host == "environment.example"
    assert account.user_name == "file@x.example"
    assert account.security is Security.IMPLICIT_TLS
    assert account.password is not None
    assert account.password.get_secret_value() == "canary"
    assert account.name == "default"


def test_celerys_own_names_are_understood(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://broker.example/1")
    monkeypatch.setenv("CELERY_RESULT_BACKEND", "redis://results.example/2")

    settings = read(folder)

    assert (settings.broker_url, settings.results) == (
        "redis://broker.example/1",
        "redis://results.example/2",
    )


def test_lists_are_joined_by_semicolons(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_ATTACHMENT_ROOTS", "/srv/a; /srv/b;")

    monkeypatch.setenv("POSTROOM_ACCOUNTS__default__HOST", "smtp.example")
    monkeypatch.setenv("POSTROOM_ACCOUNTS__default__ALLOWED_HOSTS", "a.example; b.example:2525")

    settings = read(folder)

    assert [str(root) for root in settings.attachment_roots] == ["/srv/a", "/srv/b"]
    assert settings.accounts["default"].allowed_hosts == ("a.example", "b.example:2525")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("POSTROOM_LEASE", "soon", "POSTROOM_LEASE"),
        ("POSTROOM_ACCOUNTS__default__HOST", "http://x", "POSTROOM_ACCOUNTS__DEFAULT__HOST"),
        ("POSTROOM_ACCOUNTS__default__PASWORD", "canary", "POSTROOM_ACCOUNTS__DEFAULT__PASWORD"),
        ("POSTROOM_LOG_FORMAT", "xml", "POSTROOM_LOG_FORMAT"),
        ("POSTROOM_BROKER_URL", "amqp://guest:canary@rabbit//", "POSTROOM_JOURNAL_URL"),
    ],
)
def test_a_wrong_setting_is_named_without_its_value(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv("POSTROOM_ACCOUNTS__default__HOST", "smtp.example")
    monkeypatch.setenv(name, value)

    with pytest.raises(InvalidSettings) as caught:
        read(folder)

    assert said in str(caught.value)
    assert "canary" not in str(caught.value)


def test_all_wrong_settings_are_named_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_LEASE", "soon")
    monkeypatch.setenv("POSTROOM_CONCURRENCY", "0")

    with pytest.raises(InvalidSettings) as caught:
        read(folder)

    assert len(str(caught.value).splitlines()) == 2


def test_a_broken_file_is_named(folder: Path) -> None:
    (folder / "postroom.toml").write_text("accounts = [", encoding="utf-8")

    with pytest.raises(InvalidSettings, match=r"postroom\.toml"):
        read(folder)


@pytest.mark.parametrize(
    "account",
    [
        {"PASSWORD": "canary"},
        {"USER_NAME": "a@x.example", "PASSWORD": "canary", "PASSWORD_FILE": "/p"},
        {"CLIENT_KEY": "/k"},
    ],
    ids=["password without user", "two passwords", "key without certificate"],
)
def test_credentials_that_do_not_belong_together_are_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, account: dict[str, str]
) -> None:
    for name, value in {"HOST": "smtp.example", **account}.items():
        monkeypatch.setenv(f"POSTROOM_ACCOUNTS__default__{name}", value)

    with pytest.raises(InvalidSettings) as caught:
        read(folder)

    assert "canary" not in str(caught.value)


def test_no_secret_shows_in_the_settings(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_BROKER_URL", "redis://:canary-broker@127.0.0.1/0")
    monkeypatch.setenv("POSTROOM_ACCOUNTS__default__HOST", "smtp.example")
    monkeypatch.setenv("POSTROOM_ACCOUNTS__default__USER_NAME", "a@x.example")
    monkeypatch.setenv("POSTROOM_ACCOUNTS__default__PASSWORD", "canary-password")

    assert "canary" not in repr(read(folder))


@pytest.mark.parametrize("place", ["environment", "secret", "toml", "file"])
def test_sealing_keys_come_from_every_place_and_are_never_shown(
    place: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = generate_key(), generate_key()
    if place == "environment":
        monkeypatch.setenv("POSTROOM_SEALING_KEYS", f"{one};{two}")
    elif place == "secret":
        (folder / "secrets" / "postroom_sealing_keys").write_text(f"{one}\n{two}\n")
    elif place == "toml":
        (folder / "postroom.toml").write_text(f'sealing_keys = ["{one}", "{two}"]\n')
    else:
        (folder / "keys").write_text(f"{one}\n{two}\n")
        monkeypatch.setenv("POSTROOM_SEALING_KEYS_FILE", str(folder / "keys"))

    settings = read(folder)

    assert [key.get_secret_value() for key in settings.seal_keys] == [one, two]
    assert one not in repr(settings) + str(settings)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"SEALING_KEYS": "canary"}, "POSTROOM_SEALING_KEYS: entry 1 is no sealing key"),
        ({"SEALING_KEYS": f"{generate_key()};canary"}, "POSTROOM_SEALING_KEYS: entry 2 is no sealing key"),
        ({"SEALING_KEYS_FILE": "/missing"}, "POSTROOM_SEALING_KEYS_FILE: the file cannot be read"),
        ({"SEALING_KEYS": generate_key(), "SEALING_KEYS_FILE": "/f"}, "POSTROOM_SEALING_KEYS: is set beside"),
        ({"REQUIRE_SEALED": "true"}, "POSTROOM_REQUIRE_SEALED: needs a key"),
    ],
    ids=["no key", "second is none", "no file", "both", "required without a key"],
)
def test_keys_that_cannot_be_used_are_explained_and_not_shown(
    folder: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], said: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(f"POSTROOM_{name}", value)

    with pytest.raises(InvalidSettings) as caught:
        read(folder)

    assert said in str(caught.value)
    assert "canary" not in str(caught.value)


def test_a_key_in_toml_that_is_no_text_is_refused(folder: Path) -> None:
    (folder / "postroom.toml").write_text("sealing_keys = [1]\n")

    with pytest.raises(InvalidSettings, match="POSTROOM_SEALING_KEYS"):
        read(folder)


def test_results_are_with_the_journal_where_the_queue_is_a_rabbitmq(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTROOM_BROKER_URL", "amqp://u:canary@rabbit.example//")
    monkeypatch.setenv("POSTROOM_JOURNAL_URL", "redis://journal.example/1")

    assert read(folder).results == "redis://journal.example/1"


@pytest.mark.parametrize("name", ["POSTROOM_BROKER_URL", "POSTROOM_JOURNAL_URL", "POSTROOM_RESULT_BACKEND"])
def test_a_url_that_cannot_be_split_is_named(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "redis://:canary/x@redis.example/0")

    with pytest.raises(InvalidSettings, match=rf"^{name}: is no URL that can be used") as caught:
        read(folder)

    assert "canary" not in str(caught.value)
