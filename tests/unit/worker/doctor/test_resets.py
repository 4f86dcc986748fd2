"""Whether whoever knows the users, and whoever issues the links, can be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tasks.password_reset.ports import Unreachable, User
from worker.doctor.credentials import secret_files
from worker.doctor.findings import Status
from worker.doctor.resets import resets
from worker.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


class Nobody:
    """A directory of the operator's own, which has no `probe`."""

    def lookup(self, identifier: str, *, timeout: float) -> User | None:
        assert identifier
        assert timeout


class Away:
    def lookup(self, identifier: str, *, timeout: float) -> User | None:
        raise Unreachable(identifier, timeout)


class Broken:
    def lookup(self, identifier: str, *, timeout: float) -> User | None:
        raise RuntimeError("canary", identifier, timeout)


@pytest.fixture
def usable(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "users.csv").write_text("user,email\nann,ann@example.org\n")
    return {
        "directory": "csv",
        "directory_file": tmp_path / "users.csv",
        "link_base": "https://accounts.example.org/reset",
        "link_secret": "0123456789abcdef0123456789abcdef",
        "product": "Example",
        "support": "help@example.com",
    }


def settings(resets: dict[str, Any]) -> Settings:
    return Settings.model_validate({"resets": resets})


def test_nothing_is_said_where_no_resets_are_sent() -> None:
    assert list(resets(settings({}))) == []


def test_both_sides_are_tried(usable: dict[str, Any]) -> None:
    found = {finding.subject: (finding.status, finding.found) for finding in resets(settings(usable))}

    assert found["directory csv"] == (Status.OK, "1 users")
    assert found["issuer signed"] == (Status.OK, "signs links")


@pytest.mark.parametrize(
    ("change", "status", "told"),
    [
        ({"directory_file": "/no/file"}, Status.ERROR, "cannot be read"),
        ({"directory": "no.such:Thing"}, Status.ERROR, "cannot be imported"),
        ({"directory": "http", "directory_url": "http://127.0.0.1:9/"}, Status.WARNING, "Connection refused"),
        ({"directory": f"{__name__}:Nobody"}, Status.OK, "answers"),
        ({"directory": f"{__name__}:Away"}, Status.WARNING, "cannot be reached now"),
        ({"directory": f"{__name__}:Broken"}, Status.ERROR, "fails with RuntimeError"),
        (
            {
                "directory": "sql",
                "database_url": "sqlite://",
                "database_statement": "SELECT a FROM b:identifier",
            },
            Status.ERROR,
            "the statement fails",
        ),
    ],
    ids=["file", "import", "away", "own", "own away", "own broken", "statement"],
)
def test_what_is_wrong_is_told_with_what_mends_it(
    change: dict[str, Any], status: Status, told: str, usable: dict[str, Any]
) -> None:
    first = next(resets(settings({**usable, **change})))

    assert first.status is status
    assert told in first.found
    assert bool(first.remedy) is (status is not Status.OK)
    assert "canary" not in repr(first)


def test_the_files_with_secrets_are_looked_at(usable: dict[str, Any], tmp_path: Path) -> None:
    for name in ("token_file", "keycloak_client_secret_file"):
        usable[name] = tmp_path / name
    subjects = {f.subject.partition(" ")[0] for f in secret_files(settings(usable), is_container=True)}

    assert {"POSTROOM_RESETS__TOKEN_FILE", "POSTROOM_RESETS__KEYCLOAK_CLIENT_SECRET_FILE"} <= subjects
