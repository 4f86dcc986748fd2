"""Password resets of Keycloak's users, by the page that shows how; the realm is a scripted one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tasks.testing.server import ScriptedServer
from tests.acceptance.howto import HowTo, link_in, postroom_settings
from tests.servers.keycloak import ANN, CLIENT, SECRET, KeycloakServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def realm() -> Iterator[KeycloakServer]:
    with KeycloakServer(clients={CLIENT: SECRET, "password-page": SECRET}) as server:
        yield server


@pytest.fixture
def howto(
    valkey: str, realm: KeycloakServer, free_port: Callable[[], int], tmp_path: Path
) -> Iterator[tuple[HowTo, ScriptedServer]]:
    port = free_port()
    instead = {"https://sso.example.com": realm.url, "8001": str(port)}
    for name in ("keycloak-secret", "page-secret"):
        (tmp_path / name).write_text(SECRET + "\n")
    with ScriptedServer() as server:
        settings = postroom_settings(valkey, server, database=10)
        reader = HowTo("identity-provider.md", tmp_path, instead, settings)
        try:
            yield reader, server
        finally:
            reader.close()


def choose(link: str, password: str, again: str | None = None) -> tuple[int, str]:
    answer = httpx.post(link, data={"password": password, "again": again or password}, timeout=30.0)
    shown = re.search(r"<p[^>]*>([^<]+)</p>", answer.text)
    return answer.status_code, shown[1] if shown else ""


@pytest.mark.timeout(150)
def test_the_page_leads_to_a_mail_whose_link_sets_the_password_once(
    howto: tuple[HowTo, ScriptedServer], realm: KeycloakServer, eventually: Callable[..., None]
) -> None:
    reader, server = howto
    settings, worker, page, ask = reader.blocks()
    reader.run(settings)
    assert "shows users" in reader.run(worker)
    reader.run(page)
    reader.wait_for("Running on")
    assert "  sent  250" in reader.run(ask)
    link = link_in(server.mails[0].content)

    form = httpx.get(link, timeout=30.0)
    assert "Choose a new password" in form.text
    assert form.headers["Referrer-Policy"] == "no-referrer"
    assert choose(link, "long-enough-1", "something-else") == (400, "The two are not the same.")
    assert choose(link, "short") == (400, "Invalid password: minimum length 8.")
    # Not its last character, of which some bits say nothing.
    assert choose(link[:-2] + ("A" if link[-2] != "A" else "B") + link[-1], "long-enough-1")[0] == 410
    assert choose(link, "long-enough-1") == (200, "Your password was changed. You can sign in with it now.")
    assert choose(link, "long-enough-2")[0] == 410
    assert realm.chosen == {ANN["id"]: "long-enough-1"}

    eventually(lambda: len(server.mails) == 2, "the mail after the change", seconds=40)
    assert [mail.recipients for mail in server.mails] == [("ann@example.org",)] * 2
    assert SECRET not in reader.output()
    assert link not in reader.output().replace("GET /reset", "")


def test_a_wrong_secret_is_named_by_the_doctor(howto: tuple[HowTo, Any]) -> None:
    reader, _ = howto
    reader.run(reader.blocks()[0])
    (reader.folder / "keycloak-secret").write_text("another\n")
    (reader.folder / "link-secret").write_text("0" * 32)
    told = reader.run("postroom doctor --json | grep -A4 keycloak")

    assert "Keycloak gives this client no token (401)" in told
    assert "POSTROOM_RESETS__KEYCLOAK_CLIENT_ID or its secret" in told
