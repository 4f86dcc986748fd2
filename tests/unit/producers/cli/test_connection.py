"""Where the queue is found, and what is never said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import typer

from producers.cli import connection
from producers.cli.connection import Places, mailer, place
from producers.password_reset.limits import ResetLimits
from tasks.journal.sealing import generate_key

if TYPE_CHECKING:
    from pathlib import Path

KEYS = ("POSTROOM_SEALING_KEYS", "POSTROOM_SEALING_KEYS_FILE")


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in ("POSTROOM_BROKER_URL", "CELERY_BROKER_URL", "POSTROOM_JOURNAL_URL", *KEYS):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_options_win_over_the_environment_and_that_over_the_file(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [place(None, None)]
    (nowhere / ".env").write_text("POSTROOM_BROKER_URL=redis://file:1\nSOMETHING_ELSE=1\n")
    found.append(place(None, None))
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://celery:2")
    found.append(place(None, None))
    monkeypatch.setenv("POSTROOM_BROKER_URL", "redis://own:3")
    found.append(place(None, None))
    monkeypatch.setenv("POSTROOM_JOURNAL_URL", "redis://journal:4")
    found += [place(None, None), place("redis://option:5", None), place(None, "redis://option:6")]

    assert found[:2] == ["127.0.0.1:6379", "file:1"]
    assert found[3:] == ["own:3", "journal:4", "option:5", "option:6"]


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:6379",
        "nonsense://user:canary@host",
        "redis://user:can/ary@host:1",
        "redis://user:can#ary@host:1",
        "redis://:can?ary@host",
        "redis://:12#canary@host:1",
        "redis://host:canary",
        "amqp://user:canary@host",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(typer.BadParameter) as refused:
        mailer(url, None)

    assert "ary" not in refused.value.format_message()


@pytest.mark.parametrize(
    "url", ["redis://user:canary@host:1/0", "rediss://:canary@host:1/0"], ids=["user", "password only"]
)
def test_the_place_has_no_password(url: str) -> None:
    assert place(url, None) == "host:1"


def test_a_broker_that_is_no_redis_needs_a_journal() -> None:
    with mailer("amqp://host", "redis://host") as client:
        assert client is not None


@pytest.mark.parametrize("place", ["environment", ".env", "file"])
def test_the_keys_come_from_the_environment_the_file_or_a_file_of_their_own(
    place: str, nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = generate_key(), generate_key()
    if place == "environment":
        monkeypatch.setenv("POSTROOM_SEALING_KEYS", f"{one};{two}")
    elif place == ".env":
        (nowhere / ".env").write_text(f"POSTROOM_SEALING_KEYS={one};{two}\n")
    else:
        (nowhere / "keys").write_text(f"{one}\n{two}\n")
        monkeypatch.setenv("POSTROOM_SEALING_KEYS_FILE", str(nowhere / "keys"))

    found = Places()

    assert [key.get_secret_value() for key in found.seal_keys] == [one, two]
    assert one not in repr(found)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"POSTROOM_SEALING_KEYS": "canary"}, "POSTROOM_SEALING_KEYS: entry 1 is no sealing key"),
        ({"POSTROOM_SEALING_KEYS_FILE": "missing"}, "POSTROOM_SEALING_KEYS_FILE: the file cannot be read"),
        ({"POSTROOM_SEALING_KEYS": "canary", "POSTROOM_SEALING_KEYS_FILE": "f"}, "remove one of them"),
    ],
    ids=["no key", "no file", "both"],
)
def test_keys_that_cannot_be_used_are_explained_and_not_repeated(
    environment: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(typer.BadParameter) as refused:
        mailer(None, None)

    assert said in refused.value.format_message()
    assert "canary" not in refused.value.format_message()


def test_the_limits_of_resets_are_the_operators(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_RESET_LIMITS_PER_DAY", "2")
    monkeypatch.setenv("POSTROOM_RESET_LIMITS_AUDIT_DAYS", "7")
    found = connection.reset_limits()

    assert (found.limits, found.audit_retention) == (ResetLimits(per_day=2), 7 * 24 * 3600)


@pytest.mark.parametrize("value", ["0", "many", "-1"])
def test_a_limit_that_is_none_is_named(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_RESET_LIMITS_PER_ACTOR", value)

    with pytest.raises(typer.BadParameter) as caught:
        connection.reset_limits()
    assert caught.value.param_hint == "POSTROOM_RESET_LIMITS_PER_ACTOR"
