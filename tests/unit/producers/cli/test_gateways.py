"""Whether mails go through a gateway, with which API key, and what is never said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import typer

from producers.cli.gateways import Remote, remote

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("URL", "API_KEY", "API_KEY_FILE", "BROKER_URL", "JOURNAL_URL")
HERE = "https://here.example"


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in NAMES:
        monkeypatch.delenv(f"POSTROOM_{name}", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def asked(url: str | None = None, key_file: str | None = None, **queue: str) -> Remote | None:
    return remote(url=url, key_file=key_file, **queue)


def test_without_a_url_mails_go_into_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_API_KEY", "key")

    assert asked() is None


def test_options_win_over_the_environment_and_that_over_the_file(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (nowhere / ".env").write_text("POSTROOM_URL=https://file.example\nPOSTROOM_API_KEY_FILE=key\n")
    (nowhere / "key").write_text("from-file\n")
    (nowhere / "other").write_text("from-option\n")
    found = [asked()]
    monkeypatch.setenv("POSTROOM_URL", "https://environment.example:8443/post/")
    found += [asked(), asked("http://localhost:8080", "other")]

    assert [each.place for each in found if each] == [
        "file.example:443",
        "environment.example:8443",
        "localhost:8080",
    ]
    keys = [each.key.get_secret_value() for each in found if each]
    assert keys == ["from-file", "from-file", "from-option"]


def test_a_queue_that_is_named_wins_over_the_environments_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_URL", HERE)

    assert asked(broker="redis://host") is None
    assert asked(journal="redis://host") is None


@pytest.mark.parametrize(
    ("options", "environment", "said"),
    [
        ({"url": HERE, "broker": "redis://canary"}, {}, "--url: is given beside --broker"),
        ({"url": "http://canary.example"}, {"API_KEY": "k"}, "--url: has http:// and another host"),
        ({}, {"URL": "https://canary:canary@host", "API_KEY": "k"}, "POSTROOM_URL: must have neither"),
        ({"url": HERE}, {}, "--key-file or POSTROOM_API_KEY: a gateway needs an API key"),
        ({"url": HERE}, {"API_KEY": "can ary"}, "POSTROOM_API_KEY: the API key is none"),
        ({"url": HERE, "key_file": "empty"}, {"API_KEY": "k"}, "--key-file: a gateway needs an API key"),
        ({"url": HERE, "key_file": "missing"}, {}, "--key-file: the file cannot be read"),
        ({"url": HERE}, {"API_KEY_FILE": "missing"}, "POSTROOM_API_KEY_FILE: the file cannot be read"),
        ({"url": HERE}, {"API_KEY": "canary", "API_KEY_FILE": "empty"}, "remove one of them"),
        ({"key_file": "empty"}, {}, "--key-file: needs a gateway"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_used_is_explained_and_not_repeated(
    nowhere: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, Any],
    environment: dict[str, str],
    said: str,
) -> None:
    (nowhere / "empty").write_text("\n")
    for name, value in environment.items():
        monkeypatch.setenv(f"POSTROOM_{name}", value)
    with pytest.raises(typer.BadParameter) as refused:
        asked(**options)

    assert said in refused.value.format_message()
    assert "ary" not in refused.value.format_message()


def test_neither_url_nor_key_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_API_KEY", "canary")

    assert "canary" not in repr(asked(HERE))
