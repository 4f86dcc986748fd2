"""Password resets of a real Django site, by the page that shows how, and by the file that it shows."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tasks.password_reset.adapters.http_provider import Endpoint, HttpDirectory, HttpIssuer
from tasks.password_reset.ports import Unreachable, Unusable, User
from tasks.testing.server import ScriptedServer
from tests.acceptance.howto import ROOT, HowTo, link_in, postroom_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TOKEN = "0123456789abcdef0123456789abcdef"
USERS = """
from django.contrib.auth.models import User
User.objects.create_user("ann", "Ann@example.org", "old-password-1", first_name="Ann", last_name="Ofori")
User.objects.create_user("gone", "gone@example.org", "old-password-1", is_active=False)
User.objects.create_user("sso", "sso@example.org")
User.objects.create_user("eve@example.org", "eve@example.net", "old-password-1")
for name in ("one", "two"):
    User.objects.create_user(name, "shared@example.org", "old-password-1")
"""


class Site:
    """A copy of the example, with users, and what the worker asks it with."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{port}"
        self.port = port
        self.token_file = folder / "token"
        self.token_file.write_text(f"{'f' * 40}\n{TOKEN}\nshort\n")
        self.environment = {
            "PATH": os.environ["PATH"],
            # -S leaves out what makes Postroom importable; Django comes by PYTHONPATH.
            "PYTHONPATH": next(path for path in sys.path if path.endswith("site-packages")),
            "SHOP_RESET_TOKEN_FILE": str(self.token_file),
            "SHOP_LINK_BASE": self.url,
            "SHOP_DEBUG": "1",
        }
        given = folder / "given"
        given.write_text(TOKEN)
        self.directory = HttpDirectory(Endpoint(f"{self.url}/postroom/users", given))
        self.issuer = HttpIssuer(Endpoint(f"{self.url}/postroom/links", given))

    def manage(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 (our own example)
            [sys.executable, "-S", "manage.py", *arguments],
            cwd=self.folder,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def link(self, name: str = "ann", ttl: int = 3600) -> str:
        user = self.directory.lookup(name, timeout=20.0)
        assert user
        return self.issuer.issue(user, ttl, timeout=20.0).get_secret_value()

    def post(self, path: str, content: bytes = b"{}", token: str = TOKEN) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.post(self.url + path, content=content, headers=headers, timeout=30.0)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("django") / "shop"
    shutil.copytree(ROOT / "examples" / "django_resets", folder)
    site = Site(folder, _free_port())
    made = site.manage("migrate", "--verbosity=0")
    assert made.returncode == 0, made.stderr
    made = site.manage("shell", "-v0", "-c", USERS)
    assert made.returncode == 0, made.stderr
    line = [sys.executable, "-S", "manage.py", "runserver", "--noreload", f"127.0.0.1:{site.port}"]
    with subprocess.Popen(  # noqa: S603 (our own example)
        line, cwd=folder, env=site.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            _wait_until_it_answers(f"{site.url}/accounts/password_reset/")
            yield site
        finally:
            server.terminate()


def _wait_until_it_answers(url: str) -> None:
    last_moment = time.monotonic() + 30.0
    while True:
        with suppress(httpx.TransportError):
            assert httpx.get(url).status_code == 200
            return
        assert time.monotonic() < last_moment
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def choose_password(link: str, password: str) -> str:
    """Follow *link* as a browser does, choose a password, and return the page that follows."""
    with httpx.Client(follow_redirects=True, timeout=30.0) as browser:
        page = browser.get(link)
        found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
        if not found or "new_password1" not in page.text:
            return page.text
        form = {"new_password1": password, "new_password2": password, "csrfmiddlewaretoken": found[1]}
        return browser.post(str(page.url), data=form).text


@pytest.mark.parametrize("identifier", ["ann", "ann@example.org", "ANN@EXAMPLE.ORG"])
def test_a_user_is_found_as_django_finds_them(identifier: str, site: Site) -> None:
    found = site.directory.lookup(identifier, timeout=20.0)

    assert found == User("1", "Ann@example.org", "Ann Ofori")


@pytest.mark.parametrize(
    "identifier", ["nobody", "shared@example.org", "ann@exampl\u212a.org", "an", "%", "' OR 1=1 --"]
)
def test_nobody_is_found_where_it_is_not_one(identifier: str, site: Site) -> None:
    assert site.directory.lookup(identifier, timeout=20.0) is None


def test_a_user_name_that_looks_like_an_address_is_found_by_it(site: Site) -> None:
    found = site.directory.lookup("eve@example.org", timeout=20.0)

    assert found
    assert found.address == "eve@example.net"


@pytest.mark.parametrize("name", ["gone", "sso"], ids=["inactive", "no usable password"])
def test_who_gets_no_link_from_django_gets_none_from_us(name: str, site: Site) -> None:
    user = site.directory.lookup(name, timeout=20.0)

    assert user
    assert not user.is_active
    with pytest.raises(Unreachable):
        site.issuer.issue(user, 600, timeout=20.0)


def test_the_link_works_on_djangos_own_page_once(site: Site) -> None:
    link = site.link()
    first = choose_password(link, "a-new-password-1")
    second = choose_password(link, "another-password-1")

    assert link.startswith(f"{site.url}/accounts/reset/MQ/")
    assert "Your password has been set" in first
    assert "new_password1" not in second


def test_a_link_lives_no_longer_than_it_was_asked_for(site: Site, eventually: Callable[..., None]) -> None:
    link = site.link(ttl=1)

    assert "new_password1" in httpx.get(link, follow_redirects=True).text
    eventually(
        lambda: "new_password1" not in httpx.get(link, follow_redirects=True).text,
        "the end of the link",
        seconds=6,
    )


@pytest.mark.parametrize("token", ["x" * 32, "short", TOKEN + "x", "f" * 39])
def test_without_a_token_that_is_taken_nothing_is_told(token: str, site: Site) -> None:
    for path in ("/postroom/users", "/postroom/links"):
        answer = site.post(path, b'{"identifier": "ann"}', token)

        assert (answer.status_code, answer.json()) == (401, {"error": "the token is not one that is taken"})


@pytest.mark.parametrize(
    ("path", "content", "status"),
    [
        ("/postroom/users", b"", 400),
        ("/postroom/users", b"[" * 4000, 400),
        ("/postroom/users", b" " * 5000 + b'{"identifier": "ann"}', 400),
        ("/postroom/users", b'{"identifier": 1}', 400),
        ("/postroom/users", b'{"identifier": "a\\u0000"}', 400),
        ("/postroom/links", b'{"user": "1", "ttl": true}', 422),
        ("/postroom/links", b'{"user": "1", "ttl": 999999999}', 422),
        ("/postroom/links", b'{"user": "x", "ttl": 60}', 404),
        ("/postroom/links", b'{"user": ["1"], "ttl": 60}', 404),
        ("/postroom/links", b'{"ttl": 60}', 404),
        ("/postroom/links", b'{"user": 1e400, "ttl": 60}', 404),
    ],
)
def test_what_cannot_be_answered_is_told_as_such(path: str, content: bytes, status: int, site: Site) -> None:
    answer = site.post(path, content)

    assert answer.status_code == status
    assert set(answer.json()) == {"error"}
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_doctor_tells_a_wrong_address_from_a_wrong_token(site: Site) -> None:
    assert site.directory.probe(timeout=20.0) == site.issuer.probe(timeout=20.0) == "answers"
    with pytest.raises(Unusable, match="the address may be wrong"):
        HttpDirectory(Endpoint(f"{site.url}/postrom/users")).probe(timeout=20.0)
    with pytest.raises(Unusable, match="does not take the token"):
        HttpIssuer(Endpoint(f"{site.url}/postroom/links")).probe(timeout=20.0)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"SHOP_RESET_TOKEN_FILE": "/no/file"}, "POSTROOM_RESETS: TOKEN_FILE has no line of 32 characters"),
        ({"SHOP_DEBUG": "0"}, "POSTROOM_RESETS: LINK_BASE must begin with https://"),
    ],
    ids=["token", "links"],
)
def test_the_site_says_at_its_start_which_setting_is_wrong(
    settings: dict[str, str], told: str, site: Site
) -> None:
    done = site.manage("check", **settings)

    assert done.returncode == 1
    assert told in done.stderr


@pytest.fixture
def howto(
    valkey: str, free_port: Callable[[], int], tmp_path: Path
) -> Iterator[tuple[HowTo, Any, dict[str, str]]]:
    """The page's reader, a mail server, and where the reader's processes listen."""
    places = {"site": f"127.0.0.1:{free_port()}", "gateway": str(free_port())}
    with ScriptedServer() as server:
        howto = HowTo(
            "django-resets.md",
            tmp_path,
            {"127.0.0.1:8000": places["site"]},
            {
                **postroom_settings(valkey, server, database=9),
                "POSTROOM_WEB_PORT": places["gateway"],
                "SHOP_DATABASE": str(tmp_path / "shop.sqlite3"),
                "SHOP_GATEWAY": f"http://127.0.0.1:{places['gateway']}",
                "SHOP_GATEWAY_KEY_FILE": str(tmp_path / "key"),
            },
        )
        try:
            yield howto, server, places
        finally:
            howto.close()


@pytest.mark.timeout(150)
def test_the_page_leads_to_a_mail_whose_link_works(
    howto: tuple[HowTo, Any, dict[str, str]], eventually: Callable[..., None]
) -> None:
    reader, server, places = howto
    site, settings, worker, ask, gateway = reader.blocks()
    reader.run(site)
    reader.wait_for("Starting development server")
    reader.run(settings)
    assert reader.run(worker).count("answers") >= 2
    assert "  sent  250" in reader.run(ask)
    # Nobody can be told yet, which does not keep a password from being changed.
    assert "has been set" in choose_password(link_in(server.mails[0].content), "a-new-password-1")

    (reader.folder / "key").write_text(re.findall(r"pr_[\w-]+", reader.run(gateway))[0])
    reader.wait_for("Uvicorn running")
    for who in ("ann@example.com", "nobody@example.com"):
        assert "emailed you instructions" in forget_password(places["site"], who)
    eventually(lambda: len(server.mails) == 2, "the mail that the form asked for", seconds=40)
    assert "has been set" in choose_password(link_in(server.mails[1].content), "a-new-password-2")
    eventually(lambda: len(server.mails) == 3, "the mail after the change", seconds=40)
    assert b"was changed" in server.mails[2].content
    assert [mail.recipients for mail in server.mails] == [("ann@example.com",)] * 3


def forget_password(site: str, who: str) -> str:
    """Fill in the form as a visitor does, and return the page that follows."""
    with httpx.Client(base_url=f"http://{site}", follow_redirects=True, timeout=30.0) as browser:
        page = browser.get("/accounts/password_reset/")
        token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)[0]
        form = {"email": who, "csrfmiddlewaretoken": token}
        return browser.post("/accounts/password_reset/", data=form).text
