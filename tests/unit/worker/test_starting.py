"""The check at a worker's start: told in development, enforced in production."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from worker import starting
from worker.doctor.examination import Surroundings
from worker.doctor.findings import Finding, Status
from worker.doctor.servers import Role, Server
from worker.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

GRAVE = Finding("sealing", "keys", Status.ERROR, "parameters are not sealed", "set a key")
MILD = Finding("python", "Python", Status.WARNING, "is old", "install another")
FINE = Finding("root", "user", Status.OK, "runs as user 7")
NOWHERE = Server("127.0.0.1:1", tuple(Role), "redis://:canary@127.0.0.1:1/0")


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets the checks of this machine find what is given, and settings name the servers that are given."""

    def set_up(*here: Finding, servers: tuple[Server, ...] = (), there: tuple[Finding, ...] = ()) -> None:
        monkeypatch.setattr(starting, "examine_here", lambda *_: iter(here))
        monkeypatch.setattr(starting, "servers", lambda _: list(servers))
        monkeypatch.setattr(starting, "examine_or_tell", lambda _: iter(there))

    return set_up


def check(mode: str = "production", tolerate: str = "") -> None:
    starting.check(Settings.model_validate({"mode": mode, "tolerate": tolerate}), Surroundings())


def said(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str | None]]:
    return [(record.levelname, getattr(record, "check", None)) for record in caplog.records]


def test_development_is_told_and_goes_on(
    given: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    given(GRAVE, MILD, FINE)
    check("development")

    assert said(caplog) == [("WARNING", "sealing"), ("WARNING", "python")]


def test_production_refuses_what_loses_mail_and_says_all_that_is_wrong(
    given: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    other = Finding("appendonly", "redis", Status.ERROR, "appendonly is off", "CONFIG SET appendonly yes")
    # Nothing listens there: a start that is refused anyway waits for nobody.
    given(MILD, GRAVE, servers=(NOWHERE,), there=(other,))

    with pytest.raises(SystemExit) as refused:
        check()

    assert refused.value.code == 2
    assert said(caplog) == [
        ("WARNING", "python"),
        ("ERROR", "sealing"),
        ("ERROR", "appendonly"),
        ("ERROR", None),
    ]
    assert (caplog.records[1].found, caplog.records[1].remedy) == (GRAVE.found, GRAVE.remedy)  # type: ignore[attr-defined]


def test_production_starts_with_warnings(given: Callable[..., None]) -> None:
    given(MILD, FINE)
    check()


def test_what_the_operator_tolerates_is_a_warning(
    given: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    given(GRAVE)
    check(tolerate="appendonly; sealing")

    assert said(caplog) == [("WARNING", "sealing")]


def test_a_server_that_goes_away_again_is_no_reason_to_refuse(given: Callable[..., None]) -> None:
    away = Finding("reachable", "redis", Status.ERROR, "it does not answer", "start it")
    results = Server("127.0.0.1:1", (Role.RESULTS,), "redis://127.0.0.1:1/0")
    given(FINE, servers=(results,), there=(away,))
    check()


def test_a_server_that_is_down_is_waited_for(
    given: Callable[..., None], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    given(servers=(NOWHERE,))
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            monkeypatch.setattr(starting, "_obstacle", lambda *_: None)

    monkeypatch.setattr(starting.time, "sleep", sleep)
    check()

    assert len(pauses) == 3
    assert [record.message for record in caplog.records] == ["waiting for a server"]
    assert "canary" not in repr(vars(caplog.records[0]))


@pytest.mark.parametrize("mode", ["development", "production"])
def test_a_directory_that_cannot_be_used_is_told_and_in_production_keeps_the_worker_from_starting(
    mode: str, given: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    given()
    resets = {
        "directory": "sql",
        "database_url": "sqlite://",
        "database_statement": "SELECT user, email FROM people WHERE user = :identifier",
        "link_base": "https://accounts.example.org/reset",
        "link_secret": "0123456789abcdef0123456789abcdef",
        "product": "Example",
        "support": "help@example.org",
    }
    settings = Settings.model_validate({"mode": mode, "resets": resets})
    if mode == "production":
        with pytest.raises(SystemExit):
            starting.check(settings, Surroundings())
    else:
        starting.check(settings, Surroundings())

    assert "no such table: people" in caplog.records[0].found  # type: ignore[attr-defined]
    assert "DATABASE_STATEMENT" in caplog.records[0].remedy  # type: ignore[attr-defined]
