"""Users of a realm of Keycloak, asked for over a real socket."""

from __future__ import annotations

import ssl
import time
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from pydantic import SecretStr

from tasks.password_reset.adapters.asking import Asker
from tasks.password_reset.adapters.keycloak import Keycloak, KeycloakDirectory, stamp_of
from tasks.password_reset.ports import Unreachable, Unusable, User
from tests.servers.keycloak import ANN, CLIENT, REALM, SECRET, KeycloakServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def realm() -> Iterator[KeycloakServer]:
    with KeycloakServer() as server:
        yield server


def directory(server: KeycloakServer, **changes: Any) -> KeycloakDirectory:
    given = {"url": server.url, "realm": REALM, "client_id": CLIENT, "secret": SECRET, "ca": None, **changes}
    keycloak = Keycloak(
        given["url"],
        given["realm"],
        given["client_id"],
        lambda: SecretStr(given["secret"]),
        Asker(given["ca"]),
    )
    return KeycloakDirectory(keycloak)


@pytest.mark.parametrize("identifier", ["ann", "ANN", " ann ", "Ann@Example.org", ANN["id"]])
def test_a_user_is_found_by_name_and_by_address_in_any_case(identifier: str, realm: KeycloakServer) -> None:
    found = directory(realm).lookup(identifier, timeout=5.0)

    assert found == User(ANN["id"], "ann@example.org", "Ann Ofori", locale="de", stamp="1700000000001")


@pytest.mark.parametrize(
    "identifier", ["nobody", "an", "ann@example", "@", "ann@example.net", "0" + ANN["id"][1:]]
)
def test_nobody_is_found_by_a_part_of_a_name(identifier: str, realm: KeycloakServer) -> None:
    assert directory(realm).lookup(identifier, timeout=5.0) is None


def test_a_version_that_finds_parts_of_names_finds_nobody_else_either(realm: KeycloakServer) -> None:
    realm.knows_exact = False
    found = directory(realm).lookup("ann", timeout=5.0)

    assert found
    assert found.reference == ANN["id"]
    assert directory(realm).lookup("an", timeout=5.0) is None


def test_an_address_that_is_somebody_elses_user_name_belongs_to_who_has_it(realm: KeycloakServer) -> None:
    realm.users.append({**ANN, "id": "eve", "username": "ann@example.org", "email": "eve@example.org"})
    found = directory(realm).lookup("ann@example.org", timeout=5.0)

    assert found
    assert found.reference == ANN["id"]


def test_an_address_of_two_users_is_nobodys(realm: KeycloakServer) -> None:
    realm.users.append({**ANN, "id": "other", "username": "anna"})

    assert directory(realm).lookup("ann@example.org", timeout=5.0) is None


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ({"enabled": False}, "is_active", False),
        ({"emailVerified": False}, "is_verified", False),
        ({"email": ""}, "address", None),
        ({"firstName": None}, "name", "Ofori"),
        ({"attributes": {}}, "locale", None),
    ],
    ids=["disabled", "unverified", "no address", "no first name", "no language"],
)
def test_what_the_realm_says_of_a_user_counts(
    change: dict[str, Any], field: str, value: object, realm: KeycloakServer
) -> None:
    realm.users[0].update(change)

    assert getattr(directory(realm).lookup("ann", timeout=5.0), field) == value


def test_the_stamp_is_the_moment_of_the_password_and_nothing_where_there_is_none(
    realm: KeycloakServer,
) -> None:
    before = directory(realm).lookup("ann", timeout=5.0)
    realm.passwords[ANN["id"]] += 1
    after = directory(realm).lookup("ann", timeout=5.0)
    without = directory(realm).lookup("annabel", timeout=5.0)

    assert before
    assert after
    assert without
    assert len({before.stamp, after.stamp, without.stamp}) == 3
    assert without.stamp == stamp_of({"error": "unknown_error"}) == ""


def test_a_token_is_asked_for_once_and_again_shortly_before_its_end(realm: KeycloakServer) -> None:
    users = directory(realm)
    for _ in range(3):
        users.lookup("nobody", timeout=5.0)
    assert realm.asked.count("token") == 1

    realm.lifetime = 0
    users = directory(realm)
    for _ in range(2):
        users.lookup("nobody", timeout=5.0)
    assert realm.asked.count("token") == 3


def test_a_token_that_was_revoked_is_replaced(realm: KeycloakServer) -> None:
    users = directory(realm)
    users.lookup("ann", timeout=5.0)
    realm.revoke()

    assert users.lookup("ann", timeout=5.0)


@pytest.mark.parametrize(
    "change",
    [
        {"status": 500},
        {"status": 302},
        {"shows_users": False},
        {"body": b"<html>"},
        {"body": b'{"access_token": 1}'},
        {"body": b"[" * 70_000},
    ],
    ids=["error", "elsewhere", "forbidden", "no JSON", "no token", "endless"],
)
def test_what_is_no_answer_is_no_user_either(change: dict[str, Any], realm: KeycloakServer) -> None:
    for name, value in change.items():
        setattr(realm, name, value)

    with pytest.raises(Unreachable) as caught:
        directory(realm).lookup("ann@example.org", timeout=5.0)
    assert SECRET not in repr(caught.value)
    assert "ann@" not in repr(caught.value)


def test_it_takes_no_longer_than_it_may_however_slowly_the_answer_comes(realm: KeycloakServer) -> None:
    realm.drip = 0.02
    started = time.monotonic()

    with pytest.raises(Unreachable):
        directory(realm).lookup("ann", timeout=0.3)
    assert time.monotonic() - started < 2.0


def test_an_authority_of_the_operators_own_may_vouch_for_the_server(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with KeycloakServer(tls=context) as realm:
        assert directory(realm, ca=tmp_path / "ca.pem").lookup("ann", timeout=5.0)
        with pytest.raises(Unusable, match="CERTIFICATE_VERIFY_FAILED"):
            directory(realm).probe(timeout=5.0)


def test_no_line_of_a_log_tells_whom_was_asked_for(
    realm: KeycloakServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    directory(realm).lookup("ann@example.org", timeout=5.0)

    assert "ann" not in caplog.text
    assert "token-" not in caplog.text


def test_a_trial_finds_nothing_wrong_where_nothing_is(realm: KeycloakServer) -> None:
    assert directory(realm).probe(timeout=5.0) == "shows users"


@pytest.mark.parametrize(
    ("given", "server", "found", "remedy", "is_certain"),
    [
        ({"secret": "canary"}, {}, "gives this client no token (401)", "KEYCLOAK_CLIENT_ID or its", True),
        ({"realm": "shp"}, {}, "there is no such realm", "KEYCLOAK_REALM", True),
        ({}, {"shows_users": False}, "does not show users to this client (403)", "view-users", True),
        ({}, {"status": 503}, "answers 503", "log", False),
        ({}, {"body": b"<html>"}, "no answer: the answer is no JSON", "KEYCLOAK_URL", False),
        ({"url": "http://127.0.0.1:1"}, {}, "Connection refused", "start it", False),
    ],
    ids=["secret", "realm", "role", "ill", "no JSON", "down"],
)
def test_a_trial_says_what_is_wrong_and_what_mends_it(  # noqa: PLR0913 - what a trial is made of
    *,
    given: dict[str, str],
    server: dict[str, Any],
    found: str,
    remedy: str,
    is_certain: bool,
    realm: KeycloakServer,
) -> None:
    for name, value in server.items():
        setattr(realm, name, value)

    with pytest.raises(Unusable) as caught:
        directory(realm, **given).probe(timeout=5.0)

    assert found in caught.value.found
    assert remedy in caught.value.remedy
    assert caught.value.is_certain is is_certain
    assert "canary" not in caught.value.found + caught.value.remedy


def test_the_secret_goes_to_an_encrypted_server_only() -> None:
    with pytest.raises(ValueError, match="Keycloak's address must be an https:// address"):
        Keycloak("http://sso.example.org", REALM, CLIENT, lambda: SecretStr(SECRET), Asker())
