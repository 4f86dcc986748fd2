"""From settings to the letters, or to a sentence about the setting that is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from tasks.delivery.letters import NoLetters
from tasks.password_reset.assembly import letters_of
from tasks.password_reset.letters import ResetLetters
from tasks.password_reset.ports import Unreachable, User
from tasks.password_reset.settings import ResetSettings

if TYPE_CHECKING:
    from pathlib import Path

KEYCLOAK = {
    "directory": "keycloak",
    "keycloak_url": "https://sso.example.org",
    "keycloak_realm": "shop",
    "keycloak_client_id": "postroom",
    "keycloak_client_secret": SecretStr("canary"),
}
SECRET = "0123456789abcdef0123456789abcdef"


class Everybody:
    """A directory of the operator's own."""

    def lookup(self, identifier: str, *, timeout: float) -> User | None:
        return User(identifier, f"{identifier}@example.org") if timeout else None


class Impossible:
    """A directory whose own settings are wrong."""

    def __init__(self) -> None:
        raise ValueError("the house has no door")


@pytest.fixture
def usable(tmp_path: Path) -> dict[str, Any]:
    file = tmp_path / "users.csv"
    file.write_text("user,email\nann,ann@example.org\n")
    return {
        "directory": "csv",
        "directory_file": file,
        "link_base": "https://accounts.example.org/reset",
        "link_secret": SecretStr(SECRET),
        "product": "Example",
        "support": "help@example.org",
    }


def test_without_a_directory_no_resets_are_sent() -> None:
    assert isinstance(letters_of(ResetSettings()), NoLetters)


def test_settings_that_fit_make_letters(usable: dict[str, Any]) -> None:
    assert isinstance(letters_of(ResetSettings(**usable)), ResetLetters)


def test_a_directory_of_ones_own_is_named_by_its_path(usable: dict[str, Any]) -> None:
    letters = letters_of(ResetSettings(**{**usable, "directory": f"{__name__}:Everybody"}))

    assert isinstance(letters, ResetLetters)
    assert letters.directory.lookup("eve", timeout=1.0) == User("eve", "eve@example.org")


def test_the_secret_may_stand_in_a_file(usable: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(SECRET + "\nnot this\n")
    del usable["link_secret"]

    assert isinstance(letters_of(ResetSettings(**usable, link_secret_file=file)), ResetLetters)


def test_a_realm_of_keycloak_may_have_the_users_and_its_secret_may_change(
    usable: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    file.write_text("one\n")
    settings = {**usable, **KEYCLOAK, "keycloak_client_secret": None, "keycloak_client_secret_file": file}
    letters = letters_of(ResetSettings(**settings))

    assert isinstance(letters, ResetLetters)
    file.unlink()
    with pytest.raises(Unreachable):
        letters.directory.lookup("ann", timeout=1.0)


def test_an_empty_secret_file_is_told(usable: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "secret").touch()
    del usable["link_secret"]

    with pytest.raises(ValueError, match=r"LINK_SECRET_FILE: the first line of .* is empty"):
        letters_of(ResetSettings(**usable, link_secret_file=tmp_path / "secret"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"directory": "ldap"}, "RESETS__DIRECTORY: 'ldap' is neither csv, sql, http, keycloak nor a path"),
        ({"directory": "no.such:Thing"}, "RESETS__DIRECTORY: 'no.such:Thing' cannot be imported"),
        ({"directory": "json:Nothing"}, "RESETS__DIRECTORY: 'json:Nothing' cannot be imported"),
        ({"directory": f"{__name__}:Impossible"}, "RESETS__DIRECTORY: the house has no door"),
        ({"directory_file": None}, "RESETS__DIRECTORY_FILE: is needed"),
        ({"directory": "sql"}, "RESETS__DATABASE_URL: is needed"),
        ({"directory": "http"}, "RESETS__DIRECTORY_URL: is needed"),
        (
            {"directory": "http", "directory_url": "http://x.org"},
            "RESETS__DIRECTORY: the endpoint must be",
        ),
        ({"directory": "keycloak"}, "RESETS__KEYCLOAK_CLIENT_SECRET: is needed"),
        (
            {"directory": "keycloak", "keycloak_client_secret": SecretStr("canary")},
            "RESETS__KEYCLOAK_URL: is needed",
        ),
        (
            {**KEYCLOAK, "keycloak_client_secret_file": "/no/file"},
            "RESETS__KEYCLOAK_CLIENT_SECRET: is set beside",
        ),
        (
            {**KEYCLOAK, "keycloak_client_secret": None, "keycloak_client_secret_file": "/no/file"},
            "RESETS__KEYCLOAK_CLIENT_SECRET_FILE: /no/file cannot be read",
        ),
        ({**KEYCLOAK, "keycloak_url": "http://x.org"}, "RESETS__DIRECTORY: Keycloak's address must be"),
        ({**KEYCLOAK, "ca_file": "/no/file"}, "RESETS__CA_FILE: /no/file holds no certificates"),
        ({"issuer": "http"}, "RESETS__ISSUER_URL: is needed"),
        ({"issuer": "magic"}, "RESETS__ISSUER: 'magic' is neither signed, http nor a path"),
        ({"link_base": "http://x.org"}, "RESETS__ISSUER: the base of links must be https"),
        ({"link_base": ""}, "RESETS__LINK_BASE: is needed"),
        ({"link_secret": SecretStr("canary")}, "RESETS__ISSUER: the secret of links must have at least 32"),
        ({"link_secret_file": "/no/file"}, "RESETS__LINK_SECRET: is set beside"),
        (
            {"link_secret_file": "/no/file", "link_secret": None},
            "RESETS__LINK_SECRET_FILE: /no/file cannot be",
        ),
        ({"actor_domain": "@x"}, "RESETS__ACTOR_DOMAIN: '@x' is no domain"),
        ({"product": ""}, "RESETS__PRODUCT: is needed"),
        ({"templates": "/no/folder"}, "RESETS__TEMPLATES: /no/folder is no folder"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_setting_that_is_wrong_is_named_with_what_is_expected(
    change: dict[str, Any], told: str, usable: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=told) as caught:
        letters_of(ResetSettings(**{**usable, **change}))

    assert "canary" not in str(caught.value)


def test_a_template_that_cannot_be_rendered_is_found_at_start(usable: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "mails" / "password-reset" / "en" / "body.txt"
    file.parent.mkdir(parents=True)
    file.write_text("{{ lnik }}")

    with pytest.raises(ValueError, match=r"RESETS__TEMPLATES: .* 'lnik' is undefined"):
        letters_of(ResetSettings(**usable, templates=tmp_path / "mails"))
